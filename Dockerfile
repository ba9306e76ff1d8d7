# The gateway: Sluice in OpenResty, ready to run.
#
#   docker build -t sluice .
#   docker run -d --name sluice -p 8080:8080 -p 127.0.0.1:8081:8081 -v sluice:/var/lib/sluice sluice
#
# Another image with OpenResty at /usr/local/openresty:
#
#   docker build -t sluice --build-arg OPENRESTY_IMAGE=openresty/openresty:<tag> .

ARG OPENRESTY_IMAGE=openresty/openresty:1.29.2.4-1-bookworm
ARG NODE_IMAGE=node:20-bookworm-slim

FROM ${NODE_IMAGE} AS build
# "prebuilt" takes the dist/ that is there, made by `npm run build`: then no npm is needed in here.
ARG DIST=build
WORKDIR /sluice
COPY . .
RUN if [ "$DIST" != prebuilt ]; then npm run build; fi

FROM ${OPENRESTY_IMAGE}
# Upstreams to begin with.
ARG UPSTREAMS=docker/upstreams.json
COPY --from=build /sluice/dist/ /usr/local/openresty/site/lualib/
COPY docker/nginx.conf /usr/local/openresty/nginx/conf/nginx.conf
COPY ${UPSTREAMS} /etc/sluice/upstreams.json
COPY docker/entrypoint.sh docker/healthcheck.lua /opt/sluice/
# The files have the modes of the clone, which may be for its owner only. A volume that is made new takes its owner from here.
RUN chmod -R a+rX /usr/local/openresty/site/lualib/resty /usr/local/openresty/nginx/conf /etc/sluice /opt/sluice \
  && chmod a+x /opt/sluice/entrypoint.sh \
  && mkdir -p /var/lib/sluice && chown 10001:10001 /var/lib/sluice && chmod 700 /var/lib/sluice

ENV SLUICE_PORT=8080 \
    SLUICE_API_PORT=8081 \
    SLUICE_STATE_DIR=/var/lib/sluice \
    SLUICE_WORKERS=auto
VOLUME /var/lib/sluice
EXPOSE 8080 8081
USER 10001:10001
# nginx's graceful end: requests under way are finished.
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s --retries=3 \
  CMD ["/usr/local/openresty/luajit/bin/luajit", "/opt/sluice/healthcheck.lua"]
ENTRYPOINT ["/opt/sluice/entrypoint.sh"]
CMD ["/usr/local/openresty/bin/openresty", "-g", "daemon off;"]
