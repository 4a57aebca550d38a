//! What threads share, under loom: each model runs in every order that the memory model allows.
//!
//! `ci/loom.sh` runs it.

macro_rules! models {
    ($($name:ident),* $(,)?) => {
        /// Every model, with its name.
        pub(crate) const MODELS: &[(&str, fn())] = &[$((stringify!($name), $name)),*];
    };
}

mod hooks;
mod state;

fn main() {
    for (name, model) in state::MODELS.iter().chain(hooks::MODELS) {
        loom::model(*model);
        println!("{name}: holds in every order");
    }
}
