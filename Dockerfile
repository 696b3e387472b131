# One image for every process: `replicate`, `serve`, `edge`, `fallback`, and the command line.
# Written with care; it has not been built where this project is tested.
#
#   docker build -t arctos .
#   docker run --rm arctos key generate --admin
#   docker run --rm -p 8080:8080 -v arctos:/data arctos serve

FROM node:24-slim AS packages
WORKDIR /arctos
COPY package.json package-lock.json ./
# The base image brings Node itself, so the optional packages that hold one stay out. No package needs its install script.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production ARCTOS_HOST=0.0.0.0 OSO_PORT=8080 OSO_DIRECTORY=/data
WORKDIR /arctos
COPY --from=packages /arctos/node_modules ./node_modules
COPY package.json LICENSE ./
COPY src ./src
COPY snapshots ./snapshots
COPY replicator ./replicator
COPY runtime ./runtime
# A volume takes over the owner of the folder that it hides.
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080
# Node runs the sources as they are, and ends on SIGTERM when the open requests are answered.
ENTRYPOINT ["node", "/arctos/runtime/cli/main.ts"]
CMD ["serve"]
