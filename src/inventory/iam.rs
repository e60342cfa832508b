//! What `aws iam`, `ecr`, `guardduty` and `cloudtrail` print, as far as the audit models it.

use super::shape::{PolicyText, Time, shapes, time};

shapes! { "PascalCase";
    /// The answer of GetRole.
    RoleOutput { id: ; opt: role: Role; list: ; }
    /// A role.
    Role { id: role_name; opt: arn: String, permissions_boundary: PermissionsBoundary; list: ; }
    /// The permissions boundary of a role.
    PermissionsBoundary { id: ; opt: permissions_boundary_arn: String; list: ; }
    /// The managed policies of one role.
    AttachedRolePolicies { id: ; opt: is_truncated: bool; list: attached_policies: AttachedPolicy; }
    /// A managed policy of a role.
    AttachedPolicy { id: ; opt: policy_name: String, policy_arn: String; list: ; }
    /// The names of the inline policies of one role.
    RolePolicies { id: ; opt: is_truncated: bool; list: policy_names: String; }
    /// An inline policy (GetRolePolicy).
    RolePolicy { id: ; opt: role_name: String, policy_name: String, policy_document: PolicyText; list: ; }
    /// The answer of GetPolicy.
    PolicyOutput { id: ; opt: policy: Policy; list: ; }
    /// A managed policy.
    Policy { id: ; opt: arn: String, default_version_id: String; list: ; }
    /// The answer of GetPolicyVersion.
    PolicyVersionOutput { id: ; opt: policy_version: PolicyVersion; list: ; }
    /// One version of a managed policy.
    PolicyVersion { id: ; opt: version_id: String, document: PolicyText; list: ; }
    /// The answer of GetInstanceProfile.
    InstanceProfileOutput { id: ; opt: instance_profile: InstanceProfile; list: ; }
    /// An instance profile.
    InstanceProfile { id: ; opt: instance_profile_name: String, arn: String; list: roles: Role; }
    /// The detectors of GuardDuty (ListDetectors).
    Detectors { id: ; opt: ; list: detector_ids: String; }
    /// A detector (GetDetector).
    Detector { id: ; opt: status: String; list: features: DetectorFeature; }
    /// A feature of a detector.
    DetectorFeature { id: ; opt: name: String, status: String; list: additional_configuration: DetectorFeature; }
    /// An event of CloudTrail (LookupEvents); `CloudTrailEvent` is the record as JSON text, of which only the call and its way are kept.
    CloudTrailEvent { id: ; opt: event_id: String, event_name: String, #[serde(deserialize_with = "time")] event_time: Time, event_source: String, username: String, vpc_endpoint_id: String, error_code: String, source_arn: String; list: ; }
}

shapes! { "camelCase";
    /// A pull-through cache rule of ECR.
    PullThroughCacheRule { id: ; opt: ecr_repository_prefix: String, upstream_registry_url: String, registry_id: String; list: ; }
    /// The images of one repository (DescribeImages).
    RepositoryImages { id: ; opt: ; list: image_details: ImageDetail; }
    /// An image of a repository.
    ImageDetail { id: ; opt: registry_id: String, repository_name: String, image_digest: String; list: image_tags: String; }
}
