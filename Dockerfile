FROM python:3.11-slim
WORKDIR /opt/paystate
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY streams streams
COPY schemas schemas
COPY connectors connectors
RUN PIP_CONSTRAINT=/opt/paystate/constraints.txt pip install --no-cache-dir '.[registry]' \
    && useradd --create-home paystate \
    && install -d -o paystate /var/lib/paystate
USER paystate
ENV PAYSTATE_DATA_DIR=/var/lib/paystate
VOLUME /var/lib/paystate
EXPOSE 6066
ENTRYPOINT ["paystate"]
CMD ["worker"]
