//! Pure data and canonical encodings: digests, trees, derivations, actions, realisations
