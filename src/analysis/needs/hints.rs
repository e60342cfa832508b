//! What matters to rules but is no path: NFS mounts, outputs that no endpoint serves, images that tell of a service an
//! application may call, External instances.

use std::collections::BTreeSet;

use super::{Subject, logs, pull};
use crate::analysis::Names;
use crate::analysis::image::Image;

/// Something that a workload uses and that no path is drawn for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hint {
    /// Number of the capability: `C24`.
    pub capability: &'static str,
    /// What it is about: a service's short name, a plugin, a file system, a repository. Empty where there is nothing to name.
    pub service: String,
    /// Whether it cannot be told if the workload reaches what it needs.
    pub undecided: bool,
    /// What made it known: task definition, container, field.
    pub because: BTreeSet<String>,
    /// Task definition, where one made it known.
    pub definition: Option<String>,
    /// ARNs of the workloads.
    pub workloads: Names,
    /// VPCs in which they run, as far as they were seen.
    pub vpcs: BTreeSet<String>,
}

impl Hint {
    fn new(s: &Subject<'_>, capability: &'static str, service: impl Into<String>, undecided: bool, because: String) -> Self {
        Self {
            capability,
            service: service.into(),
            undecided,
            because: BTreeSet::from([because]),
            definition: Some(s.definition.task_definition_arn.clone()),
            workloads: Names::default(),
            vpcs: BTreeSet::new(),
        }
    }
}

/// Repositories whose images call a service of AWS at run time: end of the repository, capability, services.
const TELLING_IMAGES: &[(&str, &str, &[&str])] =
    &[("aws-xray-daemon", "C28", &["xray"]), ("aws-otel-collector", "C28", &["logs", "monitoring", "xray"]), ("cloudwatch-agent", "C29", &["logs", "monitoring"])];

/// All hints of a task definition, sorted.
#[must_use]
pub fn hints(s: &Subject<'_>) -> Vec<Hint> {
    let mut out = Vec::new();
    for c in &s.definition.container_definitions {
        let Some(text) = c.image.as_deref() else { continue };
        let image = Image::parse(text);
        let because = || s.because(c, format_args!("image {text}"));
        let repository = image.reference().repository.as_str();
        for (_, capability, services) in TELLING_IMAGES.iter().filter(|(end, ..)| repository.rsplit('/').next().is_some_and(|last| last.contains(end))) {
            out.extend(services.iter().map(|service| Hint::new(s, capability, *service, false, because())));
        }
        if let Image::EcrPrivate(e) = &image {
            if pull::is_pull_through(s, e) {
                out.push(Hint::new(s, "C10", format!("{}:{}", e.reference.repository, e.reference.reference.as_deref().unwrap_or("latest")), false, because()));
            }
            if is_windows(s) {
                out.push(Hint::new(s, "C11", e.reference.repository.clone(), false, because()));
            }
        }
    }
    for (_, because, log) in logs::configurations(s, "awsfirelens") {
        match logs::plugin(log) {
            Some(plugin) if logs::service_of(plugin).is_some() => {}
            Some(plugin) => out.push(Hint::new(s, "C13", plugin, true, format!("{because}, plugin {plugin}"))),
            None => out.push(Hint::new(s, "C13", "", true, format!("{because}, no plugin named"))),
        }
    }
    for v in &s.definition.volumes {
        let name = v.name.as_deref().unwrap_or_default();
        if let Some(efs) = &v.efs_volume_configuration {
            out.push(Hint::new(s, "C24", efs.file_system_id.clone().unwrap_or_default(), true, format!("{}, volume {name}, efsVolumeConfiguration", s.label())));
        }
        if let Some(files) = &v.s3files_volume_configuration {
            out.push(Hint::new(s, "C25", files.file_system_arn.clone().unwrap_or_default(), true, format!("{}, volume {name}, s3filesVolumeConfiguration", s.label())));
        }
    }
    if s.service_connect.is_some_and(|c| c.services.iter().any(|x| x.tls.is_some())) {
        out.push(Hint::new(s, "C14b", "", false, format!("{}, serviceConnectConfiguration tls", s.label())));
    }
    out.sort();
    out.dedup();
    out
}

fn is_windows(s: &Subject<'_>) -> bool {
    s.definition.runtime_platform.as_ref().and_then(|r| r.operating_system_family.as_deref()).is_some_and(|f| f.to_ascii_uppercase().starts_with("WINDOWS"))
}
