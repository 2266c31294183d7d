# Linxuan with all it needs; compose.yaml shows how its programs run together.
FROM python:3.13-slim-bookworm
RUN useradd --create-home --home-dir /srv/linxuan linxuan && install -d -o linxuan /files
WORKDIR /srv/linxuan
COPY --chown=linxuan . .
USER linxuan
RUN python3 run.py setup
ENV LINXUAN_FILE_FOLDER=/files
EXPOSE 8000
ENTRYPOINT [".venv/bin/linxuan"]
CMD ["serve", "--host", "0.0.0.0"]
