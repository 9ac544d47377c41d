//! Runs one command in namespaces over a staged root
