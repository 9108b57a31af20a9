# expect: engine=lmdeploy holds=OpenGVLab/InternVL3-8B code=CMD021
IMAGE = openmmlab/lmdeploy:v0.9.2-cu12
run:
	docker run --rm --ipc=host -p 23333:23333 $(IMAGE) lmdeploy serve api_server OpenGVLab/InternVL3-8B
stop: ; docker stop lmdeploy
