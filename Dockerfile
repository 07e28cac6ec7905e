# One image for everything: code location, runs, web server, daemon, workers of Ray and Celery.
# It stands here since `docker build .` looks here. docs/kubernetes.md tells what goes where.
#   docker build -t registry.example.com/imgassets:0.1.0 .
# torch comes with CUDA, as PyPI has it. For processors only, name PyTorch's index of such wheels:
#   docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu ...
FROM python:3.11-slim-bookworm AS build
ARG TORCH_INDEX=""
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY imgassets imgassets
COPY contracts contracts
COPY prompts prompts
RUN python -m venv /opt/venv \
    && if [ -n "$TORCH_INDEX" ]; then \
         /opt/venv/bin/pip install --no-cache-dir -c constraints.txt --index-url "$TORCH_INDEX" torch; \
       fi \
    && /opt/venv/bin/pip install --no-cache-dir -c constraints.txt ".[cluster,kubernetes,celery]"

FROM python:3.11-slim-bookworm
# Nobody's files but those of the project: what it makes, and Dagster's settings, which are mounted.
RUN groupadd --gid 10001 imgassets \
    && useradd --uid 10001 --gid 10001 --create-home imgassets \
    && install -d -o imgassets -g imgassets /var/lib/imgassets /opt/dagster/dagster_home \
    && echo /project > /opt/dagster/dagster_home/.imgassets-project
COPY --from=build /opt/venv /opt/venv
# The project that is judged: the demo's. Yours: FROM this image, and COPY your two folders.
COPY contracts /project/contracts
COPY prompts /project/prompts
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    IMGASSETS_PROJECT=/project \
    IMGASSETS_HOME=/var/lib/imgassets \
    DAGSTER_HOME=/opt/dagster/dagster_home
USER 10001:10001
WORKDIR /project
EXPOSE 3030
# Dagster's Helm chart asks in the same way; Kubernetes itself does not read this line.
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s \
    CMD ["dagster", "api", "grpc-health-check", "-p", "3030"]
# No entry point: the chart gives whole commands, and so can you (`docker run IMAGE imgassets check`).
CMD ["dagster", "api", "grpc", "-h", "0.0.0.0", "-p", "3030", "-m", "imgassets.definitions"]
