#!/usr/bin/env python3
"""Loads a scene into whatever speaks the AWS APIs: localstack/.venv/bin/python localstack/apply.py SCENE.yaml --endpoint-url URL

Steps of `set` have no counterpart in any API and are left out, so that agents have the emulator's own version. With --skip-ecs,
for an emulator without ECS, only the network is built.
"""

import argparse
import os

import boto3
from scene import Builder, load

os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene")
    parser.add_argument("--endpoint-url", required=True, help="never AWS itself: the scene makes things that cost money")
    parser.add_argument("--skip-ecs", action="store_true")
    arguments = parser.parse_args()
    if "amazonaws" in arguments.endpoint_url or "api.aws" in arguments.endpoint_url:
        raise SystemExit("this endpoint is AWS itself")
    scene = load(arguments.scene)
    if arguments.skip_ecs:
        scene["steps"] = [s for s in scene["steps"] if not s.get("call", "ecs.").startswith("ecs.")]
    Builder(scene, lambda service: boto3.client(service, region_name=scene["region"], endpoint_url=arguments.endpoint_url)).run()
    print(f"{arguments.scene} is in {scene['region']} of {arguments.endpoint_url}")


if __name__ == "__main__":
    main()
