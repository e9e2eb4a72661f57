// Shop.java - a shop behind a message broker, as a web tier sees it: call() sends a request and gives its
// answer, from any thread; hear() collects events and notifications.
import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Return;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.json.JSONObject;

final class Shop implements AutoCloseable {
    private static final String REPLY_TO = "amq.rabbitmq.reply-to";
    private static final int ANSWER_SECONDS = 15;
    private static final int PERSISTENT = 2;

    /** An answer, as it came and as it reads. */
    record Answer(int status, String contentType, String correlationId, String text, JSONObject body) { }

    /** An event or a notification. */
    record Heard(String key, AMQP.BasicProperties properties, JSONObject body) { }

    /** What is sent; without a token when that is null. */
    record Request(String operation, JSONObject body, String token, String id, Map<String, Object> headers) {
        Request(String operation, JSONObject body, String token) {
            this(operation, body, token, UUID.randomUUID().toString(), Map.of());
        }
    }

    private final String prefix;
    private final Connection connection;
    private final Channel channel;
    // By correlation id.
    private final Map<String, CompletableFuture<Answer>> waiting = new ConcurrentHashMap<>();
    private final List<Heard> heard = new CopyOnWriteArrayList<>();

    Shop(String uri, String prefix) throws Exception {
        this.prefix = prefix;
        var factory = new ConnectionFactory();
        factory.setUri(uri);
        connection = factory.newConnection();
        channel = connection.createChannel();
        channel.addReturnListener(this::returned);
        // Direct reply-to: consumed without acknowledgement, on the channel that publishes.
        channel.basicConsume(REPLY_TO, true, (tag, message) -> answered(message), tag -> { });
    }

    /** Binds a queue of our own to an exchange; what comes is kept. */
    void listen(String exchange, String... patterns) throws IOException {
        Channel listener = connection.createChannel();
        String queue = listener.queueDeclare().getQueue();
        for (String pattern : patterns) listener.queueBind(queue, prefix + "." + exchange, pattern);
        listener.basicConsume(queue, (tag, message) -> {
            heard.add(new Heard(message.getEnvelope().getRoutingKey(), message.getProperties(),
                new JSONObject(text(message))));
            listener.basicAck(message.getEnvelope().getDeliveryTag(), false);
        }, tag -> { });
    }

    Answer call(Request request) throws Exception {
        String correlationId = UUID.randomUUID().toString();
        var headers = new HashMap<>(request.headers());
        if (request.token() != null) headers.put("authorization", "Bearer " + request.token());
        var properties = new AMQP.BasicProperties.Builder().messageId(request.id())
            .correlationId(correlationId).replyTo(REPLY_TO).contentType("application/json")
            .deliveryMode(PERSISTENT).headers(headers).build();
        var answer = new CompletableFuture<Answer>();
        waiting.put(correlationId, answer);
        try {
            publish(request, properties);
            return answer.get(ANSWER_SECONDS, TimeUnit.SECONDS);
        } finally {
            waiting.remove(correlationId);
        }
    }

    /** The first thing heard that is wanted; waits for it. */
    Heard hear(Predicate<Heard> wanted, String what) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(ANSWER_SECONDS);
        while (System.nanoTime() < end) {
            var found = heard.stream().filter(wanted).findFirst();
            if (found.isPresent()) return found.get();
            Thread.sleep(20);
        }
        throw new IllegalStateException("never heard " + what);
    }

    @Override
    public void close() throws IOException {
        connection.close();
    }

    // A channel is not for several threads at once.
    private synchronized void publish(Request request, AMQP.BasicProperties properties) throws IOException {
        byte[] body = request.body().toString().getBytes(StandardCharsets.UTF_8);
        channel.basicPublish(prefix + ".requests", request.operation(), true, properties, body);
    }

    private void answered(Delivery message) {
        AMQP.BasicProperties properties = message.getProperties();
        int status = ((Number) properties.getHeaders().get("status")).intValue();
        String text = text(message);
        CompletableFuture<Answer> answer = waiting.get(properties.getCorrelationId());
        if (answer == null) return; // it comes a second time, or nobody waits any more
        answer.complete(new Answer(status, properties.getContentType(), properties.getCorrelationId(), text,
            new JSONObject(text)));
    }

    private void returned(Return message) {
        CompletableFuture<Answer> answer = waiting.get(message.getProperties().getCorrelationId());
        if (answer == null) return;
        answer.completeExceptionally(new IOException("no queue takes " + message.getRoutingKey()));
    }

    private static String text(Delivery message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }
}
