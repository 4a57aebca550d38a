//! Row-level security of PostgreSQL through a pool of sqlx, on a server of its own, where PostgreSQL is installed.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs};

use contextvars::{tokio, with_context};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::TENANT;

async fn invoices(pool: &PgPool) -> sqlx::Result<Vec<String>> {
    let mut transaction = pool.begin().await?;
    let set = sqlx::query("SELECT set_config('app.tenant', $1, true)");
    set.bind(TENANT.get()).execute(&mut *transaction).await?;
    let rows = sqlx::query_scalar("SELECT title FROM invoice").fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(rows)
}

/// A server whose files and socket are in a folder, which goes when this is dropped.
struct Server {
    folder: PathBuf,
    programs: PathBuf,
}

impl Server {
    /// Starts a server, or says that there is none.
    fn start() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let Some(programs) = programs() else {
            eprintln!("skipped: PostgreSQL is not installed");
            return None;
        };
        let name = format!("contextvars-postgres-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let server = Self { folder: env::temp_dir().join(name), programs };
        server.run("initdb", &["--username=owner", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]);
        let options = format!("-F -c listen_addresses= -k {}", server.folder.display());
        let log = server.folder.join("log").display().to_string();
        server.run("pg_ctl", &["--wait", "--log", &log, "--options", &options, "start"]);
        Some(server)
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        // The server refuses to run as root.
        let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        let mut command = if is_root { Command::new("runuser") } else { Command::new(&program) };
        if is_root {
            command.args(["-u", "nobody", "--"]).arg(&program);
        }
        command.arg("--pgdata").arg(&self.folder).args(arguments).current_dir(env::temp_dir()).stdout(Stdio::null());
        assert!(command.status().unwrap().success(), "{command:?}");
    }

    async fn pool(&self, user: &str, size: u32) -> PgPool {
        let options = PgConnectOptions::new().socket(&self.folder).username(user).database("postgres");
        PgPoolOptions::new().max_connections(size).connect_with(options).await.unwrap()
    }

    /// Makes a table with invoices of two tenants, and returns a pool for a user who may read those of its tenant.
    async fn database(&self, size: u32) -> PgPool {
        let tables = "CREATE TABLE invoice (tenant text, title text);
            INSERT INTO invoice VALUES ('acme', 'lamps for acme'), ('globex', 'lamps for globex');
            ALTER TABLE invoice ENABLE ROW LEVEL SECURITY;
            CREATE POLICY tenant ON invoice USING (tenant = current_setting('app.tenant', true));
            CREATE ROLE app LOGIN;
            GRANT SELECT ON invoice TO app";
        let owner = self.pool("owner", 1).await;
        sqlx::raw_sql(tables).execute(&owner).await.unwrap();
        // Policies do not apply to the owner.
        assert_eq!(forgetful(&owner).await.len(), 2);
        owner.close().await;
        self.pool("app", size).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.run("pg_ctl", &["--mode=immediate", "stop"]);
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

/// The folder of PostgreSQL's programs, which Debian leaves out of the path.
fn programs() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = debian.map(|version| version.unwrap().path().join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    debian.chain(env::split_paths(&path)).find(|folder| folder.join("initdb").exists())
}

#[contextvars::test(flavor = "multi_thread")]
async fn each_request_sees_the_rows_of_its_tenant_only() {
    let Some(server) = Server::start() else { return };
    let pool = server.database(4).await;
    let mut requests = tokio::task::JoinSet::new();
    for tenant in ["acme", "globex"].into_iter().cycle().take(100) {
        let pool = pool.clone();
        requests.spawn(with_context!(TENANT = tenant.to_owned(), async move {
            assert_eq!(invoices(&pool).await.unwrap(), [format!("lamps for {tenant}")]);
        }));
    }
    assert_eq!(requests.join_all().await.len(), 100);
    pool.close().await;
}

/// A query that forgets to say whose rows it wants.
async fn forgetful(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar("SELECT title FROM invoice").fetch_all(pool).await.unwrap()
}

#[contextvars::test]
async fn a_setting_of_the_session_shows_the_rows_to_the_next_request_and_one_of_the_transaction_does_not() {
    let Some(server) = Server::start() else { return };
    let pool = server.database(1).await;
    with_context!(TENANT = "acme".to_owned(), async { invoices(&pool).await.unwrap() }).await;
    assert!(forgetful(&pool).await.is_empty());
    // Without a transaction the setting has ended before the next statement.
    sqlx::query("SELECT set_config('app.tenant', 'acme', true)").execute(&pool).await.unwrap();
    assert!(forgetful(&pool).await.is_empty());

    // A parameter, which `SET` does not take.
    let mut transaction = pool.begin().await.unwrap();
    let set = sqlx::query("SET LOCAL app.tenant = $1").bind("acme");
    assert!(set.execute(&mut *transaction).await.is_err());
    transaction.rollback().await.unwrap();

    for of_the_session in ["SELECT set_config('app.tenant', 'acme', false)", "SET app.tenant = 'acme'"] {
        sqlx::query(of_the_session).execute(&pool).await.unwrap();
        assert_eq!(forgetful(&pool).await, ["lamps for acme"]);
        sqlx::query("RESET app.tenant").execute(&pool).await.unwrap();
        assert!(forgetful(&pool).await.is_empty());
    }
    pool.close().await;
}
