//! What must not be kept is in no structure, no file and no message.

use super::*;
use crate::snapshot::save;

const DEFINITION: &str = r#"[{"taskDefinition": {"taskDefinitionArn": "arn:aws:ecs:us-east-2:111122223333:task-definition/web:1", "containerDefinitions": [{
    "name": "app", "image": "nginx", "command": ["SECRET-command"], "entryPoint": ["SECRET-entry"], "healthCheck": {"command": ["SECRET-health"]},
    "environment": [{"name": "AWS_ACCESS_KEY_ID", "value": "SECRET-env"}, {"name": "SECRET_NAME", "value": "SECRET-env2"}],
    "dockerLabels": {"SECRET-label": "SECRET-label"}, "extraHosts": [{"hostname": "SECRET-host"}],
    "logConfiguration": {"logDriver": "splunk", "options": {"splunk-token": "SECRET-token", "awslogs-group": "/kept", "apikey": {"odd": "SECRET-key"}, "labels": "SECRET-labels", "env": "SECRET", "endpoint": "https://user:SECRET-pass@logs.example/x"}},
    "firelensConfiguration": {"type": "fluentbit", "options": {"config-file-value": "arn:aws:s3:::kept/x", "enable-ecs-log-metadata": "SECRET-meta"}}
}]}}]"#;
const TASKS: &str = r#"{"tasks": [{"taskArn": "arn:aws:ecs:us-east-2:111122223333:task/web/1", "overrides": {"containerOverrides": [{"command": ["SECRET-override"], "environment": [{"name": "A", "value": "SECRET-o"}]}]}}]}"#;
const INSTANCES: &str = r#"{"Reservations": [{"Instances": [{"InstanceId": "i-1", "UserData": "SECRET-userdata", "MetadataOptions": {"x": "SECRET"}}]}]}"#;

#[test]
fn nothing_but_the_allow_list_survives() {
    let folder = Folder::new();
    folder
        .file("ecs.describe-task-definition.json", DEFINITION)
        .file("ecs.describe-task-definition.bare.json", DEFINITION.replace("web:1", "web:2").replacen(r#"[{"taskDefinition": "#, r#"{"taskDefinitions": ["#, 1).replacen("}]}}]", "}]}]}", 1))
        .file("ecs.describe-tasks.json", TASKS)
        .file("ec2.describe-instances.json", INSTANCES);
    let inventory = folder.load().unwrap();
    let debug = format!("{inventory:?}");
    assert!(!debug.contains("SECRET"), "{debug}");
    let region = &inventory.regions[0];
    assert_eq!(region.task_definitions.len(), 2);
    for definition in region.task_definitions.values() {
        let container = &definition.output().unwrap().container_definitions[0];
        let options = container.log_configuration.as_ref().unwrap().options.as_ref().unwrap();
        assert_eq!(options.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>(), ["awslogs-group=/kept", "endpoint=https://logs.example/x"]);
        assert_eq!(container.environment.as_ref().unwrap().iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["AWS_ACCESS_KEY_ID"], "a name that decides, without its value");
        assert_eq!(container.firelens_configuration.as_ref().unwrap().options.as_ref().unwrap().len(), 1);
    }
    let out = Folder::bare();
    save(&inventory, &out.path().join("s")).unwrap();
    for entry in std::fs::read_dir(out.path().join("s")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("SECRET"), "{text}");
    }
}

#[test]
fn a_secret_in_the_wrong_place_is_not_quoted() {
    for content in [
        r#"[{"taskDefinition": {"taskDefinitionArn": "a", "containerDefinitions": [{"environment": "SECRET"}]}}]"#,
        r#"[{"taskDefinition": {"taskDefinitionArn": "a", "containerDefinitions": [{"environment": ["SECRET=1"]}]}}]"#,
        r#"[{"taskDefinition": {"taskDefinitionArn": "a", "containerDefinitions": [{"logConfiguration": "SECRET"}]}}]"#,
        r#"[{"taskDefinition": {"taskDefinitionArn": "a", "containerDefinitions": [{"logConfiguration": {"options": "SECRET"}}]}}]"#,
        r#"{"taskDefinitions": [{"taskDefinitionArn": "a", "containerDefinitions": [{"logConfiguration": {"options": ["SECRET"]}}]}]}"#,
    ] {
        let error = Folder::new().file("ecs.describe-task-definition.json", content).load().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("SECRET"), "{error:?}");
    }
}
