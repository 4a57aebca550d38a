//! Bank transfers in ambient transactions, which the audit that each transfer spawns must not be part of.
//!
//! Run it with `cargo run --example transactions`. The recipe is in `ambient.rs` beside this file.

mod ambient;

use std::sync::Arc;

use ambient::Database;
use contextvars::{context_var, tokio, with_context};
use tokio::task::JoinSet;

const TABLES: &str = "
    CREATE TABLE account (owner TEXT PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0));
    CREATE TABLE audit (entry TEXT NOT NULL);
    INSERT INTO account VALUES ('ada', 100), ('grace', 0);
";

/// Who asked for what the code at hand does. Spawned work inherits it.
#[context_var]
static USER: &'static str;

/// Adds to an account. Neither this nor `transfer` is told about the transaction.
fn deposit(database: &Database, owner: &str, amount: i64) -> rusqlite::Result<()> {
    let statement = "UPDATE account SET balance = balance + ?2 WHERE owner = ?1";
    database.run(|connection| connection.execute(statement, (owner, amount)))?;
    Ok(())
}

async fn transfer(database: &Arc<Database>, audits: &mut JoinSet<()>, amount: i64) -> rusqlite::Result<()> {
    deposit(database, "grace", amount)?;
    // On a thread of its own, since it waits until the transaction is over; on a connection of its own, so that it
    // stays if the transaction is undone.
    let database_of_audit = database.clone();
    audits.spawn_blocking(move || {
        let entry = format!("{} transfers {amount}", USER.get());
        let written = database_of_audit.run(|connection| connection.execute("INSERT INTO audit VALUES (?1)", [entry]));
        written.expect("the audit is written");
    });
    tokio::task::yield_now().await;
    deposit(database, "ada", -amount)
}

fn show(database: &Database) -> rusqlite::Result<()> {
    database.run(|connection| {
        for query in ["SELECT owner || ' has ' || balance FROM account", "SELECT 'audit: ' || entry FROM audit"] {
            let mut query = connection.prepare(query)?;
            for line in query.query_map([], |row| row.get::<_, String>(0))? {
                println!("{}", line?);
            }
        }
        Ok(())
    })
}

#[tokio::main]
async fn main() -> rusqlite::Result<()> {
    let database = Arc::new(Database::create(TABLES)?);
    for (user, amount) in [("ada", 30), ("mallory", 1000)] {
        let mut audits = JoinSet::new();
        with_context!(USER = user, async {
            match database.transaction(transfer(&database, &mut audits, amount)).await {
                Ok(()) => println!("{user}'s transfer of {amount} is done"),
                Err(error) => println!("{user}'s transfer of {amount} is undone: {error}"),
            }
        })
        .await;
        audits.join_all().await;
    }
    show(&database)
}
