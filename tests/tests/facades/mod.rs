//! The facades have all that the originals have, as modules and as packages of their own.

mod rayon_surface;
mod renamed_packages;
mod surface;
