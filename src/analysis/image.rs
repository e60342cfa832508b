//! Image references: which registry serves an image.
