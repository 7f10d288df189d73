package org.ovis.sdk;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.ovis.sdk.types.Action;
import org.ovis.sdk.types.Fault;

/**
 * One kept session with an engine; threads may share it. Sends requests, signs in, turns refusals into exceptions, reads lists
 * while they arrive. {@link Api} makes it.
 */
final class Connection {
    private static final XMLInputFactory XML = XMLInputFactory.newInstance();

    static {
        XML.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        XML.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        XML.setProperty(XMLInputFactory.IS_COALESCING, true);
    }

    private final Api.Builder how;
    private final String root;
    private final HttpClient client;
    private volatile String session;
    private volatile boolean closed;

    Connection(Api.Builder how) {
        this.how = how;
        this.session = how.sessionId;
        URI given;
        try {
            given = URI.create(how.url.contains("://") ? how.url : "https://" + how.url);
        } catch (IllegalArgumentException e) {
            throw notAnAddress(how.url);
        }
        if (given.getHost() == null || !("https".equals(given.getScheme()) || "http".equals(given.getScheme()))) {
            throw notAnAddress(how.url);
        }
        String path = given.getPath() == null ? "" : given.getPath().replaceAll("/+$", "");
        root = given.getScheme() + "://" + given.getAuthority() + (path.isEmpty() ? "/api" : path);
        HttpClient.Builder builder = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(how.timeout);
        if ("https".equals(given.getScheme())) {
            builder.sslContext(Trust.context(how.caFile, how.insecure));
        }
        client = builder.build();
    }

    private static UsageException notAnAddress(String url) {
        return new UsageException(url + " is no address of an engine (https://server[:port]/ovirt-engine/api).");
    }

    String session() {
        return session;
    }

    /** End the session; the engine forgets it. */
    void close() {
        if (closed) {
            return;
        }
        try {
            request("GET", "", null, Map.of("Prefer", ""), null);
        } catch (ServerException e) {
            if (e.getStatus() != 401) {
                throw e;
            } // it had ended already
        } finally {
            closed = true;
        }
    }

    /** The object of the answer, null for an empty one or without a maker. path: below the API's prefix. */
    <T extends Struct> T request(
            String method, String path, String body, Map<String, String> headers, Supplier<T> maker) {
        try (InputStream answer = send(method, path, body, headers)) {
            byte[] data = answer.readAllBytes();
            if (maker == null || data.length == 0) {
                return null;
            }
            return decode(data, maker.get());
        } catch (IOException e) {
            throw new ConnectionException("The answer broke off: " + e.getMessage(), e);
        }
    }

    private static <T extends Struct> T decode(byte[] data, T into) {
        try {
            XMLStreamReader reader = XML.createXMLStreamReader(new ByteArrayInputStream(data));
            reader.nextTag();
            String wanted = into.table().element;
            if (!reader.getLocalName().equals(wanted)) {
                throw new FormatException("The answer is <" + reader.getLocalName() + ">, not <" + wanted + ">.", null);
            }
            into.read(reader);
            return into;
        } catch (XMLStreamException e) {
            throw new FormatException("The answer is no XML: " + begin(data), e);
        }
    }

    /** The members of a list, while it arrives. */
    <T extends Struct> Stream<T> members(String path, String element, Map<String, String> headers, Supplier<T> maker) {
        return Members.of(send("GET", path, null, headers), element, maker, XML);
    }

    /** An answer that is no object, such as a viewer's file or {@code ?rsdl}. */
    byte[] document(String path, String accept) {
        try (InputStream answer = send("GET", path, null, Map.of("Accept", accept))) {
            return answer.readAllBytes();
        } catch (IOException e) {
            throw new ConnectionException("The answer broke off: " + e.getMessage(), e);
        }
    }

    static Action act(Place place, String name, Action action, Options how) {
        String url = address(place.path + "/" + name, how.matrix, Map.of());
        String body = action == null ? "<action/>" : action.toXml();
        Action answer = place.connection.request("POST", url, body, how.headers, Action::new);
        return answer == null ? new Action() : answer;
    }

    private InputStream send(String method, String path, String body, Map<String, String> headers) {
        if (closed) {
            throw new UsageException("The session has been ended.");
        }
        boolean hadSession = session != null;
        HttpResponse<InputStream> answer = once(method, path, body, headers);
        if (answer.statusCode() == 401 && hadSession && how.renewSession) {
            session = null;
            drain(answer);
            answer = once(method, path, body, headers);
        }
        if (answer.statusCode() >= 400) {
            throw refusal(answer.statusCode(), drain(answer));
        }
        return answer.body();
    }

    private HttpResponse<InputStream> once(String method, String path, String body, Map<String, String> headers) {
        HttpRequest.BodyPublisher publisher = body == null
                ? HttpRequest.BodyPublishers.noBody()
                : HttpRequest.BodyPublishers.ofString(body, StandardCharsets.UTF_8);
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(root + path)).timeout(how.timeout);
        request.method(method, publisher).header("Version", "3").header("Filter", String.valueOf(how.filter));
        request.setHeader("Accept", "application/xml");
        if (body != null) {
            request.header("Content-Type", "application/xml");
        }
        if (how.persistent) {
            request.setHeader("Prefer", "persistent-auth");
            if (how.sessionTimeout != null) {
                request.header("Session-TTL", String.valueOf(how.sessionTimeout));
            }
            if (session != null) {
                request.header("Cookie", "JSESSIONID=" + session);
            }
        }
        if (how.user != null) {
            byte[] pair = (how.user + ":" + how.password).getBytes(StandardCharsets.UTF_8);
            request.header("Authorization", "Basic " + Base64.getEncoder().encodeToString(pair));
        }
        headers.forEach(request::setHeader);
        try {
            HttpResponse<InputStream> answer =
                    client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
            answer.headers().firstValue("Set-Cookie").filter(c -> c.startsWith("JSESSIONID=")).ifPresent(this::keep);
            return answer;
        } catch (SSLException e) {
            throw new ConnectionException("No trusted connection to " + root + ": " + e.getMessage(), e);
        } catch (IOException e) {
            String why = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
            throw new ConnectionException("No answer from " + root + ": " + why, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConnectionException("Interrupted while waiting for an answer.", e);
        }
    }

    private void keep(String cookie) {
        String value = cookie.substring("JSESSIONID=".length()).split(";", 2)[0];
        session = value.isEmpty() ? null : value;
    }

    private static byte[] drain(HttpResponse<InputStream> answer) {
        try (InputStream body = answer.body()) {
            return body.readAllBytes();
        } catch (IOException e) {
            throw new ConnectionException("The answer broke off: " + e.getMessage(), e);
        }
    }

    /** The exception of an answer. */
    static ServerException refusal(int status, byte[] data) {
        Fault fault = fault(data);
        if (fault == null) {
            return new ServerException(status, "HTTP status " + status, begin(data));
        }
        String detail = fault.detail() == null ? "" : fault.detail().trim();
        if (detail.startsWith("[") && detail.endsWith("]")) {
            detail = detail.substring(1, detail.length() - 1);
        }
        return new ServerException(status, fault.reason() == null ? "" : fault.reason(), detail);
    }

    private static Fault fault(byte[] data) {
        try {
            XMLStreamReader reader = XML.createXMLStreamReader(new ByteArrayInputStream(data));
            reader.nextTag();
            boolean bare = "fault".equals(reader.getLocalName());
            if (bare || "action".equals(reader.getLocalName())) {
                Struct found = bare ? new Fault() : new Action();
                found.read(reader);
                return bare ? (Fault) found : ((Action) found).fault();
            }
            return null;
        } catch (XMLStreamException | FormatException e) {
            return null; // no document of the API: the caller shows its first words
        }
    }

    /** The first words of a text, without markup. */
    private static String begin(byte[] data) {
        String text = new String(data, 0, Math.min(data.length, 4096), StandardCharsets.UTF_8);
        text = text.replaceAll("(?s)<[^>]*>", " ").replaceAll("\\s+", " ").trim();
        return text.length() > 200 ? text.substring(0, 200) : text;
    }

    // Addresses and XML ------------------------------------------------------------------------------------------

    static String quoted(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** A path with its parameters. */
    static String address(String path, Map<String, String> matrix, Map<String, String> query) {
        StringBuilder out = new StringBuilder(path);
        matrix.forEach((name, value) -> out.append(';').append(name).append('=').append(quoted(value)));
        String[] mark = {"?"};
        query.forEach((name, value) -> {
            out.append(mark[0]).append(name).append('=').append(quoted(value));
            mark[0] = "&";
        });
        return out.toString();
    }

    /** Pass over an element; the reader then stands at its end. */
    static void skip(XMLStreamReader reader) throws XMLStreamException {
        for (int depth = 1; depth > 0; ) {
            int event = reader.next();
            if (event == XMLStreamConstants.START_ELEMENT) {
                depth++;
            } else if (event == XMLStreamConstants.END_ELEMENT) {
                depth--;
            }
        }
    }

    /** The text of an element, whatever else is in it; the reader then stands at its end. */
    static String textOf(XMLStreamReader reader) throws XMLStreamException {
        StringBuilder out = new StringBuilder();
        for (int event = reader.next(); event != XMLStreamConstants.END_ELEMENT; event = reader.next()) {
            if (event == XMLStreamConstants.START_ELEMENT) {
                skip(reader);
            } else if (reader.hasText()) {
                out.append(reader.getText());
            }
        }
        return out.toString();
    }
}
