//! Addresses of the AWS documentation pages that rules stand on, each in one place.

/// How ECS works behind interface endpoints.
pub const ECS_ENDPOINTS: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html";
/// How ECR works behind endpoints.
pub const ECR_ENDPOINTS: &str = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html";
/// Pull-through cache of ECR.
pub const PULL_THROUGH: &str = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html";
/// Causes of `ResourceInitializationError`.
pub const RESOURCE_INIT: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html";
/// Causes of `CannotPullContainerError`.
pub const PULL_ERRORS: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html";
/// Connectivity of stopped tasks.
pub const CONNECTIVITY: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/verify-connectivity.html";
/// ECS Exec.
pub const EXEC: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html";
/// Service Connect.
pub const SERVICE_CONNECT: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html";
/// Updates of the container agent.
pub const AGENT_UPDATE: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-update.html";
/// Fields of a container instance.
pub const CONTAINER_INSTANCE: &str = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerInstance.html";
/// Role of container instances.
pub const INSTANCE_ROLE: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html";
/// Task execution role.
pub const EXECUTION_ROLE: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html";
/// Interfaces of tasks on EC2.
pub const TASK_NETWORKING: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html";
/// Interfaces of tasks on Fargate.
pub const FARGATE_NETWORKING: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html";
/// Platform versions of Fargate.
pub const PLATFORM_VERSIONS: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/platform-fargate.html";
/// ECS Anywhere.
pub const ANYWHERE: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-anywhere.html";
/// ECS calls in CloudTrail.
pub const CLOUDTRAIL: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/logging-using-cloudtrail.html";
/// Fields of a CloudTrail record.
pub const CLOUDTRAIL_RECORD: &str = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html";
/// Interface endpoints.
pub const INTERFACE_ENDPOINTS: &str = "https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html";
/// How names lead to interface endpoints.
pub const PRIVATELINK_ACCESS: &str = "https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html";
/// Endpoint policies.
pub const ENDPOINT_POLICIES: &str = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html";
/// Services that have endpoints.
pub const AWS_SERVICES: &str = "https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html";
/// Services that have endpoints across regions.
pub const CROSS_REGION: &str = "https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-cross-region-privatelink-support.html";
/// Quotas of endpoints.
pub const ENDPOINT_QUOTAS: &str = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html";
/// Gateway endpoints.
pub const GATEWAY_ENDPOINTS: &str = "https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html";
/// Gateway endpoint for S3.
pub const S3_GATEWAY: &str = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html";
/// Interface endpoint for S3.
pub const S3_INTERFACE: &str = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/privatelink-interface-endpoints.html";
/// DNS attributes of a VPC.
pub const VPC_DNS: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html";
/// DHCP options.
pub const DHCP: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_DHCP_Options.html";
/// Shared VPCs.
pub const VPC_SHARING: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing.html";
/// Security group rules.
pub const SECURITY_GROUP_RULES: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html";
/// Network ACLs.
pub const NETWORK_ACLS: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html";
/// Route tables.
pub const ROUTE_TABLES: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html";
/// VPC Block Public Access.
pub const BLOCK_PUBLIC_ACCESS: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html";
/// Private hosted zones.
pub const PRIVATE_ZONES: &str = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zone-private-considerations.html";
/// Route 53 Resolver.
pub const RESOLVER: &str = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver.html";
/// Route 53 Resolver DNS Firewall.
pub const DNS_FIREWALL: &str = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-dns-firewall.html";
/// Endpoints in a hub VPC.
pub const CENTRAL_ENDPOINTS: &str = "https://docs.aws.amazon.com/whitepapers/latest/building-scalable-secure-multi-vpc-network-infrastructure/centralized-access-to-vpc-private-endpoints.html";
/// Condition keys of every service.
pub const CONDITION_KEYS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html";
