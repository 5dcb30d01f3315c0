# SPDX-License-Identifier: Apache-2.0
# librdkafka's mock of a Kafka cluster (rdkafka_mock.h), steered by lines on stdin: each is answered by `ok`, or by the
# error's name. It says its addresses first, and lives as long as its stdin is open.
#   kafka-cluster.py BROKERS
#     topic NAME PARTITIONS REPLICAS       leader TOPIC PARTITION BROKER
#     errors API CODE...                   the next requests of that kind meet with these errors; -195 cuts the connection
#     at BROKER API CODE:MS...             the same at one broker, each answered after MS milliseconds; from then on these
#                                          alone count there
#     refuse TOPIC CODE                    to whoever asks for its leaders; 0 no more
#     down BROKER      up BROKER           -1 for all of them
import sys
from ctypes import CDLL, POINTER, c_char_p, c_int, c_int16, c_int32, c_size_t, c_void_p, create_string_buffer

kafka = CDLL("librdkafka.so.1")


def declare(name, result, *arguments):
    function = getattr(kafka, name)
    function.restype, function.argtypes = result, arguments
    return function


PRODUCER = 0
error = create_string_buffer(512)
new = declare("rd_kafka_new", c_void_p, c_int, c_void_p, c_char_p, c_size_t)
new_cluster = declare("rd_kafka_mock_cluster_new", c_void_p, c_void_p, c_int)
bootstraps = declare("rd_kafka_mock_cluster_bootstraps", c_char_p, c_void_p)
error_name = declare("rd_kafka_err2name", c_char_p, c_int)
create_topic = declare("rd_kafka_mock_topic_create", c_int, c_void_p, c_char_p, c_int, c_int)
set_topic_error = declare("rd_kafka_mock_topic_set_error", None, c_void_p, c_char_p, c_int)
set_leader = declare("rd_kafka_mock_partition_set_leader", c_int, c_void_p, c_char_p, c_int32, c_int32)
set_down = declare("rd_kafka_mock_broker_set_down", c_int, c_void_p, c_int32)
set_up = declare("rd_kafka_mock_broker_set_up", c_int, c_void_p, c_int32)
push_errors = declare(
    "rd_kafka_mock_push_request_errors_array", None, c_void_p, c_int16, c_size_t, POINTER(c_int)
)
# The rest of its arguments are pairs of ints: an error, milliseconds.
push_at = declare("rd_kafka_mock_broker_push_request_error_rtts", c_int, c_void_p, c_int32, c_int16, c_size_t)

handle = new(PRODUCER, None, error, len(error))
if not handle:
    sys.exit(error.value.decode())
cluster = new_cluster(handle, int(sys.argv[1]))


def topic(name, partitions, replicas):
    return create_topic(cluster, name.encode(), int(partitions), int(replicas))


def leader(name, partition, broker):
    return set_leader(cluster, name.encode(), int(partition), int(broker))


def refuse(name, code):
    set_topic_error(cluster, name.encode(), int(code))
    return 0


def errors(api, *codes):
    push_errors(cluster, int(api), len(codes), (c_int * len(codes))(*map(int, codes)))
    return 0


def at(broker, api, *answers):
    pairs = [c_int(int(number)) for answer in answers for number in answer.split(":")]
    return push_at(cluster, int(broker), int(api), len(answers), *pairs)


def down(broker):
    return set_down(cluster, int(broker))


def up(broker):
    return set_up(cluster, int(broker))


commands = {one.__name__: one for one in (topic, leader, refuse, errors, at, down, up)}
print(bootstraps(cluster).decode(), flush=True)
for line in sys.stdin:
    name, *words = line.split()
    answer = commands[name](*words)
    print(error_name(answer).decode() if answer else "ok", flush=True)
