//! What threads share without a lock, under loom: each model runs in every order that the memory model allows.
//!
//! `ci/loom.sh` runs it.

mod state;

fn main() {
    for (name, model) in state::MODELS {
        loom::model(*model);
        println!("{name}: holds in every order");
    }
}
