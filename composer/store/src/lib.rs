//! The content-addressed store: objects, trees, realisations, roots, garbage collection
