#!/bin/sh
# postgres.sh start FOLDER: makes a cluster of PostgreSQL 15 in FOLDER if there is none, starts it and prints
# the process id and then the connection string. postgres.sh stop FOLDER: stops it.
# It listens on a socket in FOLDER only. It may not run as root: then it runs as the package's user.
set -eu
action=$1
folder=$2
programs=/usr/lib/postgresql/15/bin

as_itself() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups "$@"
    else
        "$@"
    fi
}

if [ "$action" = stop ]; then
    cd /
    as_itself "$programs/pg_ctl" --pgdata="$folder/cluster" --mode=fast --timeout=300 --silent stop
    exit
fi

make_cluster() {
    as_itself "$programs/initdb" --pgdata="$folder/cluster" --username=bench --auth=trust --no-instructions \
        --encoding=UTF8 --locale=C > "$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
    # Durable as it comes (fsync and synchronous_commit are on); memory as for this purpose alone. Nothing
    # is checkpointed for want of room in the log while a batch is measured.
    cat >> "$folder/cluster/postgresql.conf" << EOT
listen_addresses = ''
unix_socket_directories = '$folder'
shared_buffers = ${BENCH_POSTGRES_BUFFERS:-2GB}
effective_cache_size = 8GB
work_mem = ${BENCH_POSTGRES_WORK:-64MB}
maintenance_work_mem = 512MB
wal_buffers = 64MB
max_wal_size = 16GB
checkpoint_timeout = 15min
random_page_cost = 1.1
EOT
}

mkdir -p "$folder"
[ "$(id -u)" != 0 ] || chown postgres "$folder"
cd "$folder"
[ -e "$folder/cluster/PG_VERSION" ] || make_cluster
as_itself "$programs/pg_ctl" --pgdata="$folder/cluster" --log="$folder/server.log" --timeout=300 --wait --silent start
head -1 "$folder/cluster/postmaster.pid"
echo "host=$folder user=bench dbname=postgres"
