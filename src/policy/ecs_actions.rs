//! What ECS itself asks of each endpoint: actions, callers and resources.
//!
//! Sources: the managed policies of ECS
//! (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security-iam-awsmanpol.html>), the endpoint pages of
//! ECS and ECR (<https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html>), ECS Exec and the pages
//! of the features named below.

/// One action that ECS, or a part of it on an instance or in a task, sends through an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EcsAction {
    /// Short name of the endpoint's service.
    pub service: &'static str,
    /// `service:Name`.
    pub action: &'static str,
    /// Who calls.
    pub caller: CallerRole,
    /// ARN with `{partition}`, `{region}` and `{account}`, and `*` for what depends on the workload;
    /// `*` alone: the action has no resource type, so a policy must grant it on `*`.
    pub resource: &'static str,
    /// When it is needed.
    pub need: Need,
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerRole {
    /// The container instance's role.
    Instance,
    /// The task execution role, or on EC2 the instance role without one.
    Execution,
    /// The task role, or on EC2 the instance role without one.
    Task,
    /// The identity of ECR's own account that signed the URL of an image layer.
    AwsOwned,
}

/// When an action is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Whenever the endpoint is used at all by ECS.
    Always,
    /// Only with a feature, or only helpful: named here.
    With(&'static str),
}

impl EcsAction {
    /// Whether the action has no resource type: a grant on an ARN denies it.
    pub fn without_resource_type(&self) -> bool {
        self.resource == "*"
    }

    /// The resource with its placeholders filled in; `None` leaves `*`.
    pub fn resource_in(&self, partition: Option<&str>, region: Option<&str>, account: Option<&str>) -> String {
        self.resource.replace("{partition}", partition.unwrap_or("*")).replace("{region}", region.unwrap_or("*")).replace("{account}", account.unwrap_or("*"))
    }
}

/// The actions of one endpoint, those that are always needed first. Empty: ECS asks nothing of it.
pub fn of_service(service: &str) -> Vec<&'static EcsAction> {
    let mut actions: Vec<&EcsAction> = ECS_ACTIONS.iter().filter(|action| action.service == service).collect();
    actions.sort_by_key(|action| action.need != Need::Always);
    actions
}

/// The services that have actions, in order of the table.
pub fn services() -> Vec<&'static str> {
    let mut services: Vec<&str> = ECS_ACTIONS.iter().map(|action| action.service).collect();
    services.dedup();
    services
}

const fn row(service: &'static str, action: &'static str, caller: CallerRole, resource: &'static str, need: Need) -> EcsAction {
    EcsAction { service, action, caller, resource, need }
}

use CallerRole::{AwsOwned, Execution, Instance, Task};
use Need::{Always, With};

const CLUSTER: &str = "arn:{partition}:ecs:{region}:{account}:cluster/*";
const CONTAINER_INSTANCE: &str = "arn:{partition}:ecs:{region}:{account}:container-instance/*";
const TASK: &str = "arn:{partition}:ecs:{region}:{account}:task/*";
const TASK_SET: &str = "arn:{partition}:ecs:{region}:{account}:task-set/*";
const REPOSITORY: &str = "arn:{partition}:ecr:{region}:*:repository/*";
const LOG_STREAM: &str = "arn:{partition}:logs:{region}:*:log-group:*:log-stream:*";
const LAYERS: &str = "arn:{partition}:s3:::prod-{region}-starport-layer-bucket/*";

/// All actions, by service.
pub const ECS_ACTIONS: &[EcsAction] = &[
    row("ecs", "ecs:DiscoverPollEndpoint", Instance, "*", Always),
    row("ecs", "ecs:RegisterContainerInstance", Instance, CLUSTER, Always),
    row("ecs", "ecs:SubmitTaskStateChange", Instance, CLUSTER, Always),
    row("ecs", "ecs:SubmitAttachmentStateChanges", Instance, CLUSTER, Always),
    row("ecs", "ecs:UpdateContainerInstancesState", Instance, CONTAINER_INSTANCE, With("draining of Spot instances")),
    row("ecs", "ecs:TagResource", Instance, CONTAINER_INSTANCE, With("tags at registration")),
    row("ecs", "ecs:ListTagsForResource", Instance, CONTAINER_INSTANCE, With("tags in the task metadata")),
    row("ecs", "ecs:CreateCluster", Instance, "*", With("a `default` cluster that does not exist yet")),
    row("ecs", "ecs:SubmitContainerStateChange", Instance, CLUSTER, With("older agents")),
    row("ecs", "ecs:DeregisterContainerInstance", Instance, CLUSTER, With("older agents")),
    row("ecs", "ecs:GetTaskProtection", Task, TASK, With("task protection")),
    row("ecs", "ecs:UpdateTaskProtection", Task, TASK, With("task protection")),
    row("ecs-agent", "ecs:Poll", Instance, CONTAINER_INSTANCE, Always),
    row("ecs-agent", "ecs:Poll", Task, TASK_SET, With("Service Connect")),
    row("ecs-telemetry", "ecs:Poll", Instance, CONTAINER_INSTANCE, Always),
    row("ecs-telemetry", "ecs:StartTelemetrySession", Instance, CONTAINER_INSTANCE, Always),
    row("ecs-telemetry", "ecs:PutSystemLogEvents", Instance, CONTAINER_INSTANCE, With("Managed Instances")),
    row("ecr.api", "ecr:GetAuthorizationToken", Execution, "*", Always),
    row("ecr.api", "ecr:BatchGetImage", Execution, REPOSITORY, With("one policy for both ECR endpoints, as AWS advises")),
    row("ecr.api", "ecr:GetDownloadUrlForLayer", Execution, REPOSITORY, With("one policy for both ECR endpoints, as AWS advises")),
    row("ecr.dkr", "ecr:BatchGetImage", Execution, REPOSITORY, Always),
    row("ecr.dkr", "ecr:GetDownloadUrlForLayer", Execution, REPOSITORY, Always),
    row("ecr.dkr", "ecr:BatchCheckLayerAvailability", Execution, REPOSITORY, With("clients that ask before they pull")),
    row("ecr.dkr", "ecr:BatchImportUpstreamImage", Execution, REPOSITORY, With("a pull-through cache")),
    row("ecr.dkr", "ecr:CreateRepository", Execution, REPOSITORY, With("a pull-through cache")),
    row("s3", "s3:GetObject", AwsOwned, LAYERS, Always),
    row("s3", "s3:GetObject", Execution, "arn:{partition}:s3:::*/*", With("environment files")),
    row("s3", "s3:GetBucketLocation", Execution, "arn:{partition}:s3:::*", With("environment files")),
    row("s3", "s3:PutObject", Task, "arn:{partition}:s3:::*/*", With("logs of ECS Exec")),
    row("s3", "s3:GetEncryptionConfiguration", Task, "arn:{partition}:s3:::*", With("logs of ECS Exec")),
    row("logs", "logs:CreateLogStream", Execution, LOG_STREAM, Always),
    row("logs", "logs:PutLogEvents", Execution, LOG_STREAM, Always),
    row("logs", "logs:CreateLogGroup", Execution, LOG_STREAM, With("awslogs-create-group")),
    row("logs", "logs:DescribeLogGroups", Task, "arn:{partition}:logs:{region}:*:log-group:*", With("logs of ECS Exec")),
    row("logs", "logs:DescribeLogStreams", Task, LOG_STREAM, With("logs of ECS Exec")),
    row("secretsmanager", "secretsmanager:GetSecretValue", Execution, "arn:{partition}:secretsmanager:{region}:*:secret:*", Always),
    row("ssm", "ssm:GetParameters", Execution, "arn:{partition}:ssm:{region}:*:parameter/*", Always),
    row("ssmmessages", "ssmmessages:CreateControlChannel", Task, "*", Always),
    row("ssmmessages", "ssmmessages:CreateDataChannel", Task, "*", Always),
    row("ssmmessages", "ssmmessages:OpenControlChannel", Task, "*", Always),
    row("ssmmessages", "ssmmessages:OpenDataChannel", Task, "*", Always),
    row("kms", "kms:Decrypt", Task, "arn:{partition}:kms:{region}:*:key/*", Always),
    row("guardduty-data", "guardduty:SendSecurityTelemetry", Execution, "*", Always),
    row("kinesis-firehose", "firehose:PutRecordBatch", Task, "arn:{partition}:firehose:{region}:*:deliverystream/*", Always),
    row("kinesis-streams", "kinesis:PutRecords", Task, "arn:{partition}:kinesis:{region}:*:stream/*", Always),
    row("xray", "xray:PutTraceSegments", Task, "*", Always),
    row("xray", "xray:PutTelemetryRecords", Task, "*", Always),
    row("xray", "xray:GetSamplingRules", Task, "*", With("central sampling rules")),
    row("xray", "xray:GetSamplingTargets", Task, "*", With("central sampling rules")),
    row("monitoring", "cloudwatch:PutMetricData", Task, "*", Always),
    row("appmesh-envoy-management", "appmesh:StreamAggregatedResources", Task, "arn:{partition}:appmesh:{region}:*:mesh/*", Always),
    row("fsx", "fsx:DescribeFileSystems", Execution, "arn:{partition}:fsx:{region}:*:file-system/*", Always),
    row("ec2", "ec2:DescribeTags", Instance, "*", With("tags taken over from the instance")),
    row("sts", "sts:AssumeRole", Task, "arn:{partition}:iam::*:role/*", With("applications that change roles")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_grouped_and_every_row_well_formed() {
        let services = services();
        let mut unique = services.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), services.len(), "one block a service");
        for action in ECS_ACTIONS {
            assert!(action.action.split_once(':').is_some(), "{}", action.action);
            assert!(action.resource == "*" || action.resource.splitn(6, ':').count() == 6, "{}", action.resource);
        }
    }

    #[test]
    fn actions_that_no_arn_can_grant() {
        let without: Vec<&str> = ECS_ACTIONS.iter().filter(|action| action.without_resource_type()).map(|action| action.action).collect();
        for action in ["ecs:DiscoverPollEndpoint", "ecs:CreateCluster", "ecr:GetAuthorizationToken", "ssmmessages:OpenDataChannel"] {
            assert!(without.contains(&action), "{action}");
        }
    }

    #[test]
    fn layers_are_fetched_by_aws_itself_from_the_regional_bucket() {
        let layers = of_service("s3")[0];
        assert_eq!(layers.caller, CallerRole::AwsOwned);
        assert_eq!(layers.resource_in(Some("aws"), Some("us-east-2"), None), "arn:aws:s3:::prod-us-east-2-starport-layer-bucket/*");
    }
}
