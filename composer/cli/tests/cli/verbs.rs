//! Tests of this topic come here.
