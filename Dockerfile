# The hub as it is: Node runs the TypeScript sources, there is no build step.
#   docker build .                    the hub
#   docker build --target sandbox .   the sandbox: the hub with simulated cities
FROM node:24.21.0-slim AS base
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0

COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && npm cache clean --force

COPY LICENSE README.md ./
COPY schema schema
COPY reference reference
COPY src src
COPY adapters adapters

# Where `sqlite:./data/hub.db` is, if no STORE_URL names a PostgreSQL.
RUN mkdir data && chown node:node data
VOLUME /app/data
USER node
EXPOSE 4000

# Whether the process answers. Whether it should get requests is /health/ready, for the load balancer.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 4000}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]

FROM base AS sandbox
COPY sandbox sandbox
COPY cities cities
CMD ["node", "sandbox/start.ts"]

# The last one is built where no target is named. Cities' files are mounted under /app/cities.
FROM base AS hub
CMD ["node", "src/main.ts"]
