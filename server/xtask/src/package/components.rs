//! What the program is made of: every library of its dependency graph, from `cargo metadata` and the lock file; as a list with
//! the text of each licence, and as a list of components for machines (CycloneDX 1.5). Called by the package.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, MetadataCommand, Package, PackageId};
use serde_json::{Value, json};

use crate::programs;

/// What the program is built for; libraries of other systems are not in it.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// Files of a library that say under which licence it is.
const LICENCE_FILES: [&str; 4] = ["license", "licence", "copying", "notice"];

/// The libraries, in order of name and version.
pub(super) struct Graph {
    libraries: Vec<Package>,
    /// Each with those it uses, by their place in the list; the program itself under none.
    uses: BTreeMap<PackageId, Vec<PackageId>>,
    program: PackageId,
}

impl Graph {
    /// Reads it; fetches what has never been fetched.
    pub(super) fn read() -> Result<Graph> {
        let metadata = MetadataCommand::new()
            .current_dir(programs::root())
            .other_options(["--locked", "--filter-platform", TARGET].map(str::to_owned).to_vec())
            .exec()
            .context("cargo metadata")?;
        let resolve = metadata.resolve.as_ref().context("no dependency graph")?;
        let named = |name: &str| metadata.packages.iter().find(|package| package.name.as_str() == name);
        let program = named("caribe").context("no package caribe")?.id.clone();
        let mut uses = BTreeMap::new();
        let mut open = vec![program.clone()];
        let mut seen = BTreeSet::from([program.clone()]);
        while let Some(id) = open.pop() {
            let node = resolve.nodes.iter().find(|node| node.id == id).context("a hole in the graph")?;
            let linked = |dependency: &&cargo_metadata::NodeDep| {
                dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
            };
            let used: Vec<PackageId> = node.deps.iter().filter(linked).map(|used| used.pkg.clone()).collect();
            open.extend(used.iter().filter(|id| seen.insert((*id).clone())).cloned());
            uses.insert(id, used);
        }
        // Ours are one work with the program.
        let mut libraries: Vec<Package> = metadata
            .packages
            .iter()
            .filter(|package| package.source.is_some() && seen.contains(&package.id))
            .cloned()
            .collect();
        libraries.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        Ok(Graph { libraries, uses, program })
    }

    /// A list of libraries with their licences, then each text once with those it is of.
    pub(super) fn licences(&self) -> Result<String> {
        let mut text = String::from("Libraries that are part of the program, each with its licence.\n\n");
        let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for library in &self.libraries {
            let name = format!("{} {}", library.name, library.version);
            let licence = library.license.as_deref().unwrap_or("see below");
            let place = library.repository.as_deref().unwrap_or("");
            let _ = writeln!(text, "{}", format!("{name:<40} {licence:<40} {place}").trim_end());
            let folder = library.manifest_path.parent().context("a package without a folder")?;
            let mut files: Vec<_> = fs::read_dir(folder)?.collect::<std::io::Result<_>>()?;
            files.sort_by_key(fs::DirEntry::file_name);
            for file in files {
                let lower = file.file_name().to_string_lossy().to_lowercase();
                if LICENCE_FILES.iter().any(|start| lower.starts_with(start)) && file.path().is_file() {
                    // One that is no text could not be shown.
                    let content = String::from_utf8_lossy(&fs::read(file.path())?).trim().to_owned();
                    texts.entry(content).or_default().push(name.clone());
                }
            }
        }
        for (content, mut names) in texts {
            names.dedup();
            let _ = write!(text, "\n{:=<100}\n{}\n{:-<100}\n\n{content}\n", "", names.join(", "), "");
        }
        Ok(text)
    }

    /// The list for machines.
    pub(super) fn components(&self) -> Value {
        let sums = checksums();
        let reference = |library: &Package| format!("pkg:cargo/{}@{}", library.name, library.version);
        let components: Vec<Value> = self
            .libraries
            .iter()
            .map(|library| {
                let mut one = json!({
                    "type": "library", "bom-ref": reference(library), "name": library.name,
                    "version": library.version.to_string(), "purl": reference(library), "scope": "required",
                });
                if let (Some(one), Some(licence)) = (one.as_object_mut(), &library.license) {
                    one.insert("licenses".into(), json!([{ "expression": licence.replace('/', " OR ") }]));
                }
                let key = (library.name.to_string(), library.version.to_string());
                if let (Some(one), Some(sum)) = (one.as_object_mut(), sums.get(&key)) {
                    one.insert("hashes".into(), json!([{ "alg": "SHA-256", "content": sum }]));
                }
                one
            })
            .collect();
        let version = env!("CARGO_PKG_VERSION");
        json!({
            "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
            "metadata": { "component": {
                "type": "application", "bom-ref": "caribe", "name": "caribe", "version": version,
                "licenses": [{ "expression": "MIT OR Apache-2.0" }],
            }},
            "components": components,
            "dependencies": self.dependencies(&reference),
        })
    }

    /// Who uses whom; our own crates are seen through.
    fn dependencies(&self, reference: &impl Fn(&Package) -> String) -> Vec<Value> {
        let by_id: BTreeMap<&PackageId, &Package> =
            self.libraries.iter().map(|library| (&library.id, library)).collect();
        let direct = |from: &PackageId| -> BTreeSet<String> {
            let (mut found, mut open, mut seen) = (BTreeSet::new(), vec![from.clone()], BTreeSet::new());
            while let Some(id) = open.pop() {
                for used in self.uses.get(&id).into_iter().flatten() {
                    match by_id.get(used) {
                        Some(library) => drop(found.insert(reference(library))),
                        None if seen.insert(used.clone()) => open.push(used.clone()),
                        None => {}
                    }
                }
            }
            found
        };
        let program = json!({ "ref": "caribe", "dependsOn": direct(&self.program) });
        let rest = self
            .libraries
            .iter()
            .map(|library| json!({ "ref": reference(library), "dependsOn": direct(&library.id) }));
        std::iter::once(program).chain(rest).collect()
    }
}

/// The SHA-256 of each library as it was fetched, from the lock file.
fn checksums() -> BTreeMap<(String, String), String> {
    let text = fs::read_to_string(programs::root().join("Cargo.lock")).unwrap_or_default();
    let mut found = BTreeMap::new();
    for block in text.split("[[package]]") {
        let value = |key: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")));
            line.map(|value| value.trim_matches('"').to_owned())
        };
        if let (Some(name), Some(version), Some(sum)) = (value("name"), value("version"), value("checksum")) {
            found.insert((name, version), sum);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_graph_holds_what_is_linked_and_no_test_library() {
        let graph = Graph::read().unwrap();
        let has = |name: &str| graph.libraries.iter().any(|library| library.name.as_str() == name);
        assert!(has("tokio") && has("rustls") && has("sqlx"));
        assert!(!has("proptest") && !has("chromiumoxide") && !has("lvs"));
    }

    #[test]
    fn every_component_has_licence_and_sum_and_refers_to_components() {
        let list = Graph::read().unwrap().components();
        let components = list["components"].as_array().unwrap();
        let known: BTreeSet<&str> = components.iter().map(|one| one["bom-ref"].as_str().unwrap()).collect();
        for one in components {
            assert!(one["licenses"][0]["expression"].is_string(), "{one}");
            assert_eq!(one["hashes"][0]["content"].as_str().unwrap().len(), 64, "{one}");
        }
        let dependencies = list["dependencies"].as_array().unwrap();
        assert_eq!(dependencies.len(), components.len() + 1);
        let all = dependencies.iter().flat_map(|one| one["dependsOn"].as_array().unwrap());
        assert!(all.map(|name| name.as_str().unwrap()).all(|name| known.contains(name)));
        assert!(dependencies[0]["dependsOn"].as_array().unwrap().len() > 10, "{}", dependencies[0]);
    }
}
