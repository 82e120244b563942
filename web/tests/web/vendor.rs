//! What is vendored is what its publisher published: every hash of `static/vendor.lock`, recomputed offline.

use std::path::Path;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Package {
    name: String,
    version: String,
    license: String,
    license_file: String,
    license_sha256: String,
    integrity: String,
    output: String,
    output_sha256: String,
    file: Vec<File>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    path: String,
    sha256: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    package: Vec<Package>,
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[test]
fn vendored_files_have_their_hashes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../static");
    let lock: Lock = toml::from_str(&std::fs::read_to_string(folder.join("vendor.lock")).unwrap()).unwrap();
    let mut known = Vec::new();
    for package in lock.package {
        let what = format!("{} {} ({})", package.name, package.version, package.license);
        assert!(package.integrity.starts_with("sha512-"), "{what}");
        let license = std::fs::read(folder.join(&package.license_file)).unwrap();
        assert_eq!(sha256(&license), package.license_sha256, "{what}: {}", package.license_file);
        let output = std::fs::read_to_string(folder.join(&package.output)).unwrap();
        assert_eq!(sha256(output.as_bytes()), package.output_sha256, "{what}: {}", package.output);
        assert!(!output.contains("sourceMappingURL"), "{what}: asks for a file that is not served");
        // The comment of ours, then the files as published, each ended by a line that holds one ";" or the end.
        let (_, files) = output.split_once("*/\n").unwrap();
        let parts: Vec<&str> = files.trim_end_matches('\n').split("\n;\n").collect();
        assert_eq!(parts.len(), package.file.len(), "{what}");
        for (part, file) in parts.iter().zip(&package.file) {
            assert_eq!(sha256(part.as_bytes()), file.sha256, "{what}: {}", file.path);
        }
        known.extend([package.output, package.license_file]);
    }
    for entry in std::fs::read_dir(folder.join("vendor")).unwrap() {
        let name = format!("vendor/{}", entry.unwrap().file_name().to_string_lossy());
        assert!(known.contains(&name), "{name} is not in vendor.lock");
    }
}
