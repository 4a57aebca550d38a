//! The order of the repository: layers of modules, lists, guides, and words.

mod guides;
mod layers;
mod listed;
mod one_copy;
mod plain_words;
