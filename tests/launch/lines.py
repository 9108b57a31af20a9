"""Command lines of LMDeploy, good and bad: what people type, and what argparse makes of odd words."""

from __future__ import annotations

import shlex

# each is what stands behind `lmdeploy serve api_server`
WRITTEN = r"""
Qwen/Qwen2-VL-7B-Instruct
Qwen/Qwen2-VL-7B-Instruct --tp 2
Qwen/Qwen2-VL-7B-Instruct --tp=2
Qwen/Qwen2-VL-7B-Instruct --tp two
Qwen/Qwen2-VL-7B-Instruct --tp
Qwen/Qwen2-VL-7B-Instruct --tp 2.0
Qwen/Qwen2-VL-7B-Instruct --tp 2 --tp 4
Qwen/Qwen2-VL-7B-Instruct -tp 2
--tp 2 Qwen/Qwen2-VL-7B-Instruct
--backend pytorch Qwen/Qwen2-VL-7B-Instruct --tp 2
--tp 2
Qwen/Qwen2-VL-7B-Instruct extra
Qwen/Qwen2-VL-7B-Instruct --backend pytorch
Qwen/Qwen2-VL-7B-Instruct --backend PyTorch
Qwen/Qwen2-VL-7B-Instruct --backend vllm
Qwen/Qwen2-VL-7B-Instruct --server-port 8000 --server-name 0.0.0.0
Qwen/Qwen2-VL-7B-Instruct --server_port 8000
Qwen/Qwen2-VL-7B-Instruct --port 8000
Qwen/Qwen2-VL-7B-Instruct --host 0.0.0.0
Qwen/Qwen2-VL-7B-Instruct --trust-remote-code
Qwen/Qwen2-VL-7B-Instruct --language-model-only
Qwen/Qwen2-VL-7B-Instruct --disable-vision-encoder
Qwen/Qwen2-VL-7B-Instruct --max-model-len 8192
Qwen/Qwen2-VL-7B-Instruct --session-len 8192
Qwen/Qwen2-VL-7B-Instruct --session-len 8k
Qwen/Qwen2-VL-7B-Instruct --session_len=8192
Qwen/Qwen2-VL-7B-Instruct --cache-max-entry-count 0.5
Qwen/Qwen2-VL-7B-Instruct --cache-max-entry-count .5
Qwen/Qwen2-VL-7B-Instruct --cache-max-entry-count half
Qwen/Qwen2-VL-7B-Instruct --cache-max-entry-count -0.5
Qwen/Qwen2-VL-7B-Instruct --quant-policy 8
Qwen/Qwen2-VL-7B-Instruct --quant-policy 5
Qwen/Qwen2-VL-7B-Instruct --quant-policy fp8
Qwen/Qwen2-VL-7B-Instruct --quant-policy INT8
Qwen/Qwen2-VL-7B-Instruct --quant-policy eight
Qwen/Qwen2-VL-7B-Instruct --model-format awq
Qwen/Qwen2-VL-7B-Instruct --model-format gptq
Qwen/Qwen2-VL-7B-Instruct --model-format compressed-tensors
Qwen/Qwen2-VL-7B-Instruct --model-format llama
Qwen/Qwen2-VL-7B-Instruct --dtype bfloat16
Qwen/Qwen2-VL-7B-Instruct --dtype float32
Qwen/Qwen2-VL-7B-Instruct --eager-mode
Qwen/Qwen2-VL-7B-Instruct --eager-mode true
Qwen/Qwen2-VL-7B-Instruct --eager-mode=true
Qwen/Qwen2-VL-7B-Instruct --no-eager-mode
Qwen/Qwen2-VL-7B-Instruct --eager
Qwen/Qwen2-VL-7B-Instruct --max-b 4
Qwen/Qwen2-VL-7B-Instruct --max 4
Qwen/Qwen2-VL-7B-Instruct --max-prefill 4
Qwen/Qwen2-VL-7B-Instruct --dllm 4
Qwen/Qwen2-VL-7B-Instruct --s 1
Qwen/Qwen2-VL-7B-Instruct --api-keys a b c
--api-keys a b -- Qwen/Qwen2-VL-7B-Instruct
--api-keys a b Qwen/Qwen2-VL-7B-Instruct
Qwen/Qwen2-VL-7B-Instruct --api-keys
Qwen/Qwen2-VL-7B-Instruct --allow-origins
Qwen/Qwen2-VL-7B-Instruct --allow-origins a b --tp 2
Qwen/Qwen2-VL-7B-Instruct --hf-overrides '{"a": 1}'
Qwen/Qwen2-VL-7B-Instruct --hf-overrides a=1
Qwen/Qwen2-VL-7B-Instruct --hf-overrides "{'a': 1}"
Qwen/Qwen2-VL-7B-Instruct --hf-overrides.rope.factor 2.0
Qwen/Qwen2-VL-7B-Instruct --hf_overrides.rope=2
Qwen/Qwen2-VL-7B-Instruct --hf-overrides.rope
Qwen/Qwen2-VL-7B-Instruct --tp.x 2
Qwen/Qwen2-VL-7B-Instruct -h
Qwen/Qwen2-VL-7B-Instruct -host 0.0.0.0
Qwen/Qwen2-VL-7B-Instruct --log-level debug
Qwen/Qwen2-VL-7B-Instruct --model-name qwen -x 3
Qwen/Qwen2-VL-7B-Instruct --model-name --tp 2
Qwen/Qwen2-VL-7B-Instruct --model-name -1
Qwen/Qwen2-VL-7B-Instruct --model-name '-a b'
Qwen/Qwen2-VL-7B-Instruct --model-name ''
Qwen/Qwen2-VL-7B-Instruct --reasoning-parser qwen-qwq --tool-call-parser qwen
Qwen/Qwen2-VL-7B-Instruct --tp 2 -- --dp 2
-- Qwen/Qwen2-VL-7B-Instruct
Qwen/Qwen2-VL-7B-Instruct –tp 2
Qwen/Qwen2-VL-7B-Instruct —tp 2
Qwen/Qwen2-VL-7B-Instruct "--tp 2"
Qwen/Qwen2-VL-7B-Instruct "--tp" " 2 "
Qwen/Qwen2-VL-7B-Instruct --tp 1_0
Qwen/Qwen2-VL-7B-Instruct --limit-mm-per-prompt image:3
Qwen/Qwen2-VL-7B-Instruct --gpu-memory-utilization 0.9
Qwen/Qwen2-VL-7B-Instruct --vision-max-batch-size 4 --chat-template qwen2d5-vl
Qwen/Qwen2-VL-7B-Instruct --adapters a=b c=d --revision main
Qwen/Qwen2-VL-7B-Instruct --role prefill
Qwen/Qwen2-VL-7B-Instruct --role Prefill
Qwen/Qwen2-VL-7B-Instruct --communicator cuda-ipc
Qwen/Qwen2-VL-7B-Instruct --logprobs-mode None
Qwen/Qwen2-VL-7B-Instruct --distributed-executor-backend ray --node-rank 0
"""
LINES = [tuple(shlex.split(line)) for line in WRITTEN.strip().splitlines()]
