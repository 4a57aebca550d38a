//! [`Module`]: a module, recognised by the path of a source file.

use std::fmt;

/// A crate, or a module within one.
pub(super) struct Module {
    /// With `-` for `_`, since either may be in the name of a folder.
    krate: String,
    /// The names of the modules, from the root of the crate.
    within: Vec<String>,
}

impl Module {
    /// Takes a path such as `tower::buffer`.
    pub(super) fn new(path: &str) -> Self {
        let mut names = path.split("::").map(str::trim);
        let krate = names.next().unwrap_or_default().replace('_', "-");
        Self { krate, within: names.map(str::to_owned).collect() }
    }

    /// Whether the file belongs to the module.
    ///
    /// Such as `…/registry/src/index-0123/tower-0.5.2/src/buffer/service.rs`,
    /// `…/git/checkouts/tower-0123456789abcdef/0123456/tower/src/buffer.rs`, `vendor/tower/src/buffer/mod.rs`.
    pub(super) fn holds(&self, file: &SourceFile<'_>) -> bool {
        let is_inside = self.within.len() <= file.inside.len() && {
            let inside = file.inside.iter().map(|folder| folder.strip_suffix(".rs").unwrap_or(folder));
            self.within.iter().zip(inside).all(|(name, folder)| folder == name)
        };
        is_inside && file.outside.iter().any(|folder| self.is_krate(folder))
    }

    /// Whether the folder is that of the crate: by its name, which a version or the hash of a git checkout may follow.
    fn is_krate(&self, folder: &str) -> bool {
        let Some((name, rest)) = folder.split_at_checked(self.krate.len()) else { return false };
        let is_name = name.bytes().map(|byte| if byte == b'_' { b'-' } else { byte }).eq(self.krate.bytes());
        is_name && (rest.is_empty() || rest.strip_prefix(['-', '_']).is_some_and(is_version_or_hash))
    }
}

fn is_version_or_hash(rest: &str) -> bool {
    let is_version = rest.starts_with(|first: char| first.is_ascii_digit());
    is_version || (rest.len() == 16 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The path of a source file, split into folders.
pub(super) struct SourceFile<'a> {
    /// The folders before the last `src`.
    outside: Vec<&'a str>,
    /// The folders in `src`, and the file.
    inside: Vec<&'a str>,
}

impl<'a> SourceFile<'a> {
    /// Returns `None` if the file is not in a `src`.
    pub(super) fn new(path: &'a str) -> Option<Self> {
        let mut outside: Vec<&str> = path.split(['/', '\\']).collect();
        let root = outside.iter().rposition(|folder| *folder == "src")?;
        let inside = outside.split_off(root + 1);
        Some(Self { outside, inside })
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.krate.replace('-', "_"))?;
        self.within.iter().try_for_each(|name| write!(f, "::{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Module, SourceFile};

    fn holds(module: &Module, file: &str) -> bool {
        SourceFile::new(file).is_some_and(|file| module.holds(&file))
    }

    #[test]
    fn a_crate_is_recognised_wherever_cargo_keeps_it() {
        let module = Module::new("hyper_util");
        for file in [
            "/home/ada/.cargo/registry/src/index-0123456789abcdef/hyper-util-0.1.21/src/rt/tokio.rs",
            "/home/ada/.cargo/git/checkouts/hyper-util-0123456789abcdef/0123456/src/rt/tokio.rs",
            "/home/ada/.cargo/git/checkouts/hyper-util-fedcba9876543210/0123456/src/rt/tokio.rs",
            "vendor/hyper-util/src/client/legacy/client.rs",
            "../hyper_util/src/lib.rs",
            r"C:\Users\ada\.cargo\registry\src\index\hyper-util-0.1.21\src\rt\tokio.rs",
        ] {
            assert!(holds(&module, file), "{file}");
        }
    }

    #[test]
    fn a_crate_of_a_longer_name_is_another() {
        let module = Module::new("tower");
        for file in [
            "/registry/src/index/tower-http-0.6.2/src/trace.rs",
            "/registry/src/index/tower_service/src/lib.rs",
            "vendor/towering/src/lib.rs",
            "vendor/tower-cafe/src/lib.rs",
            "vendor/tower-sixteen-letters-/src/lib.rs",
            "tower.rs",
            "/home/tower-0123/project/main.rs",
        ] {
            assert!(!holds(&module, file), "{file}");
        }
        assert!(holds(&module, "/registry/src/index/tower-0.5.2/src/lib.rs"));
    }

    #[test]
    fn a_module_within_a_crate_is_a_file_or_a_folder() {
        let module = Module::new("tower::buffer");
        assert!(holds(&module, "/registry/src/index/tower-0.5.2/src/buffer/service.rs"));
        assert!(holds(&module, "/registry/src/index/tower-0.5.2/src/buffer.rs"));
        assert!(!holds(&module, "/registry/src/index/tower-0.5.2/src/balance/buffer.rs"));
        assert!(!holds(&module, "/registry/src/index/tower-0.5.2/src/lib.rs"));
        assert!(!holds(&module, "/registry/src/index/tower-0.5.2/src"));
        let deeper = Module::new("tower::buffer::service");
        assert!(holds(&deeper, "/registry/src/index/tower-0.5.2/src/buffer/service.rs"));
        assert!(!holds(&deeper, "/registry/src/index/tower-0.5.2/src/buffer/worker.rs"));
    }

    #[test]
    fn a_module_shows_as_its_path() {
        assert_eq!(format!("{:?}", Module::new("tower-x :: buffer")), "tower_x::buffer");
    }
}
