//! The order of the repository: layers of modules, lists, guides, words, and the public API.

mod guides;
mod layers;
mod listed;
mod one_copy;
mod plain_words;
mod public_api;
