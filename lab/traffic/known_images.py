"""What well-known images do: data only, first match wins.

Where an image is from: dockersamples/example-voting-app, microservices-demo (sock shop), kubernetes/examples
(guestbook), istio's bookinfo, and the images of Docker Hub.
"""

from __future__ import annotations

from lab.traffic.app import AppSpec, Distribution

_FAST = Distribution("lognormal", 0.0005, 0.003)
_DATABASE = Distribution("lognormal", 0.0015, 0.01)
_STATIC = Distribution("lognormal", 0.001, 0.005)


def _web(image: str, *calls: str) -> AppSpec:
    return AppSpec(image=image, usual_calls=calls)


def _store(image: str, service_time: Distribution) -> AppSpec:
    # Data stores finish what they have begun when they get SIGTERM, and call nobody.
    return AppSpec(image=image, service_time=service_time, shutdown="graceful", startup_s=1.0, calls=())


_VOTING_APP = (
    _web("*examplevotingapp_vote*", "tcp://redis:6379"),
    _web("*examplevotingapp_result*", "tcp://db:5432"),
    _web("*examplevotingapp_worker*", "tcp://redis:6379", "tcp://db:5432"),
)

_SOCK_SHOP = (
    _web(
        "weaveworksdemos/front-end*",
        "http://catalogue",
        "http://carts",
        "http://user",
        "http://orders",
        "tcp://session-db:6379",
    ),
    _store("weaveworksdemos/*-db*", _DATABASE),
    _web("weaveworksdemos/catalogue*", "tcp://catalogue-db:3306"),
    _web("weaveworksdemos/carts*", "tcp://carts-db:27017"),
    _web("weaveworksdemos/user*", "tcp://user-db:27017"),
    _web("weaveworksdemos/orders*", "http://payment", "http://shipping", "tcp://orders-db:27017"),
    _web("weaveworksdemos/payment*"),
    _web("weaveworksdemos/shipping*", "tcp://rabbitmq:5672"),
    _web("weaveworksdemos/queue-master*", "tcp://rabbitmq:5672"),
)

_GUESTBOOK = (
    _web(
        "*/gb-frontend*",
        "tcp://redis-master:6379",
        "tcp://redis-leader:6379",
        "tcp://redis-replica:6379",
        "tcp://redis-slave:6379",
        "tcp://redis-follower:6379",
    ),
    _store("*/gb-redisslave*", _FAST),
    _store("*/gb-redis-follower*", _FAST),
)

_BOOKINFO = (
    _web("*examples-bookinfo-productpage*", "http://details:9080", "http://reviews:9080"),
    _web("*examples-bookinfo-reviews-v1*"),
    _web("*examples-bookinfo-reviews*", "http://ratings:9080"),
    _web("*examples-bookinfo-ratings-v2*", "tcp://mongodb:27017", "tcp://mysqldb:3306"),
    _web("*examples-bookinfo-*"),
)

_SERVERS = (
    AppSpec(image="*coredns*", listen=(("UDP", 53), ("TCP", 53), ("TCP", 8080), ("TCP", 8181), ("TCP", 9153)),
            service_time=_FAST, shutdown="graceful", shutdown_s=5.0, calls=()),
    *(_store(image, _FAST) for image in ("redis", "*/redis", "valkey*", "*/valkey*", "memcached", "*/memcached")),
    *(
        _store(image, _DATABASE)
        for image in ("postgres", "*/postgresql", "mysql", "*/mysql", "mariadb", "*/mariadb", "mongo", "*/mongodb*",
                      "rabbitmq", "*/rabbitmq", "zookeeper", "etcd", "*/etcd", "nats", "*/openldap")
    ),
    *(
        AppSpec(image=image, service_time=_STATIC, workers=512, startup_s=0.1)
        for image in ("nginx", "*/nginx*", "httpd", "*/httpd", "*/echoserver", "*/echo-server", "traefik/whoami",
                      "hashicorp/http-echo", "*/agnhost", "caddy", "haproxy", "traefik")
    ),
)  # fmt: skip

_CLIENTS = (AppSpec(image="service-lab/client*", listen=(), calls=(), startup_s=0.0),)

KNOWN_IMAGES: tuple[AppSpec, ...] = (*_VOTING_APP, *_SOCK_SHOP, *_GUESTBOOK, *_BOOKINFO, *_SERVERS, *_CLIENTS)
"""Found by `AppTable`, after the scenario's own apps."""
