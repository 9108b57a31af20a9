# qvl-doctor alone, small and without root. It checks what is mounted, and deployments without a GPU:
#   docker build -t qvl-doctor .
#   docker run --rm -v "$PWD:/work:ro" qvl-doctor check --compose compose.yml --gpu 'RTX 4090'
#   docker run --rm -v /opt/venv:/opt/venv:ro qvl-doctor check --python /opt/venv -- vllm serve Qwen/Qwen2.5-VL-7B-Instruct
ARG PYTHON=3.12
FROM python:${PYTHON}-slim AS build
COPY . /src
RUN python -m venv /opt/qvl-doctor && /opt/qvl-doctor/bin/pip install --no-cache-dir /src

FROM python:${PYTHON}-slim
COPY --from=build /opt/qvl-doctor /opt/qvl-doctor
# Not on PATH itself: its `python` is doctor's own, and never the target
RUN ln -s /opt/qvl-doctor/bin/qvl-doctor /usr/local/bin/qvl-doctor && useradd --create-home --uid 10001 doctor
USER 10001
WORKDIR /work
ENTRYPOINT ["qvl-doctor"]
CMD ["--help"]
