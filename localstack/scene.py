"""Scenes: YAML lists of boto3 calls, loaded into anything that speaks the AWS APIs.

A step is `{call: ec2.create_vpc, with: {CidrBlock: …}, take: Vpc, as: vpc}`: what `take` (JMESPath) finds in the answer is
known as `vpc` from then on, and `${vpc.VpcId}` stands for a part of it. `each: [a, b]` runs a step for every `${each}`
and makes a list. `set: {…}` and `canned: {…}` are for serve.py alone.
"""

import json
import re

import jmespath
import yaml

REFERENCE = re.compile(r"\$\{([^}]+)\}")


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


class Builder:
    def __init__(self, scene, client, set_fields=None):
        self.scene, self.client, self.set_fields = scene, client, set_fields
        self.known = {"region": scene["region"], "account": str(scene["account"])}

    def run(self):
        for step in self.scene["steps"]:
            if "each" in step:
                made = []
                for item in self.filled(step["each"]):
                    self.known["each"] = item
                    made.append(self.step(step))
                self.known[step.get("as", "_")] = made
            else:
                self.known[step.get("as", "_")] = self.step(step)
        return self.known

    def step(self, step):
        if "set" in step:
            if self.set_fields:
                self.set_fields(step["set"], self.filled(step["id"]), self.filled(step["to"]))
            return None
        service, method = step["call"].split(".")
        answer = getattr(self.client(service), method)(**self.filled(step.get("with", {})))
        answer.pop("ResponseMetadata", None)
        return jmespath.search(step["take"], answer) if "take" in step else answer

    def filled(self, value):
        """The value with every reference replaced; one that is the whole text keeps its type."""
        if isinstance(value, dict):
            if set(value) == {"json"}:
                return json.dumps(self.filled(value["json"]))
            return {k: self.filled(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.filled(v) for v in value]
        if not isinstance(value, str):
            return value
        whole = REFERENCE.fullmatch(value)
        if whole:
            return self.find(whole[1])
        return REFERENCE.sub(lambda m: str(self.find(m[1])), value)

    def find(self, path):
        found = jmespath.search(path, self.known)
        if found is None:
            raise SystemExit(f"scene: ${{{path}}} stands for nothing; known are {sorted(self.known)}")
        return found
