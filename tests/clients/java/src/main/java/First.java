// First.java - the program of docs/clients.md for Java, which Journey runs as a program of its own.
// docs: begin first
import com.rabbitmq.client.*;
import java.util.*;
import java.util.concurrent.*;
import org.json.JSONObject;

class First {
    static final String REPLY_TO = "amq.rabbitmq.reply-to";
    static final int ANSWER_MS = 5000, TRIES = 3;
    static final Map<String, CompletableFuture<JSONObject>> waiting = new ConcurrentHashMap<>();
    static Channel channel;

    /** One intent has one id: what got no answer is sent again as it was, and has one effect. */
    static JSONObject call(String operation, Map<String, ?> body, String token, String id) throws Exception {
        for (int attempt = 1; ; attempt++) {
            String copy = id + "/" + attempt; // an answer speaks of one copy of the message
            var headers = new HashMap<String, Object>(); // nobody carries it out after we stop waiting
            headers.put("deadline", System.currentTimeMillis() + ANSWER_MS);
            if (token != null) headers.put("authorization", "Bearer " + token);
            var properties = new AMQP.BasicProperties.Builder().messageId(id).correlationId(copy)
                .replyTo(REPLY_TO).contentType("application/json").deliveryMode(2).headers(headers).build();
            var answer = new CompletableFuture<JSONObject>();
            waiting.put(copy, answer);
            channel.basicPublish("cartwright.requests", operation, true, properties,
                new JSONObject(body).toString().getBytes("UTF-8"));
            var found = new JSONObject("{error: {code: NO_ANSWER, retryable: true}}");
            try {
                if (channel.waitForConfirms(ANSWER_MS)) found = answer.get(ANSWER_MS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException | CancellationException silence) { /* it is sent again */ }
            waiting.remove(copy);
            if (attempt == TRIES || !Boolean.TRUE.equals(found.optQuery("/error/retryable"))) return found;
            Thread.sleep(found.optLong("retryAfterMs", 500L * attempt));
        }
    }

    public static void main(String[] args) throws Exception {
        var factory = new ConnectionFactory();
        factory.setUri(System.getenv("CARTWRIGHT_CLIENT_AMQP_URI"));
        try (var connection = factory.newConnection()) {
            channel = connection.createChannel();
            channel.confirmSelect();
            channel.addReturnListener(back -> waiting.computeIfPresent(
                back.getProperties().getCorrelationId(), (id, answer) -> { answer.cancel(false); return null; }));
            channel.basicConsume(REPLY_TO, true, (tag, message) -> {
                var found = new JSONObject(new String(message.getBody(), "UTF-8"));
                found.put("retryAfterMs", message.getProperties().getHeaders().get("retry-after-ms"));
                waiting.computeIfPresent(message.getProperties().getCorrelationId(),
                    (id, answer) -> { answer.complete(found); return null; });
            }, tag -> { });
            var once = UUID.randomUUID().toString();
            var event = new CompletableFuture<JSONObject>(); // the one that our command will cause
            Channel listener = connection.createChannel();
            String queue = listener.queueDeclare().getQueue(); // of our own, for events
            listener.queueBind(queue, "cartwright.events", "cart.updated");
            listener.basicConsume(queue, (tag, message) -> {
                var body = new JSONObject(new String(message.getBody(), "UTF-8"));
                if (body.getString("causationid").equals(once)) event.complete(body);
                listener.basicAck(message.getEnvelope().getDeliveryTag(), false);
            }, tag -> { });
            var page = call("product.list", Map.of("inStock", true, "limit", 1), null, "list-" + once);
            var mug = (JSONObject) page.query("/data/items/0");
            System.out.println("product: " + mug.get("name"));
            var visitor = Map.of("name", "Jo", "email", once + "@example.com", "password", "ten tin spoons");
            var token = (String) call("auth.register", visitor, null, "new-" + once).query("/data/accessToken");
            var line = Map.of("productId", mug.get("id"), "quantity", 1);
            for (int i = 0; i < 2; i++) // the same message twice has one effect
                System.out.println("cart: version "
                    + call("cart.item.add", line, token, once).query("/data/version"));
            line = Map.of("productId", mug.get("id"), "quantity", 9999);
            var no = call("cart.item.add", line, token, "more-" + once);
            System.out.println("refused: " + no.query("/error/code"));
            var told = event.get(ANSWER_MS, TimeUnit.MILLISECONDS);
            System.out.printf("event: %s, version %s%n", told.get("type"), told.get("aggregateversion"));
        }
    }
}
// docs: end first
