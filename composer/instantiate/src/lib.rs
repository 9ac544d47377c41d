//! Evaluates recipes into derivations
