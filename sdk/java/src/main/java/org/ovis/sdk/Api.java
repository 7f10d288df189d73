package org.ovis.sdk;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.ovis.sdk.types.API;
import org.ovis.sdk.types.ApiSummary;
import org.ovis.sdk.types.ProductInfo;

/**
 * A session with an engine: {@code Api.at(url).user(name, password).caFile(path).open()}. Its collections are methods,
 * {@code api.getVMs()}. Threads may share it, and there may be any number at once. Close it to end the session.
 */
public final class Api extends Entry implements AutoCloseable {
    private final Connection connection;
    private volatile API entry;

    private Api(Connection connection) {
        super(new Place(connection, ""));
        this.connection = connection;
        this.entry = read();
    }

    /** Begin with the engine's address, {@code https://server[:port]/api}. */
    public static Builder at(String url) {
        return new Builder(url);
    }

    private API read() {
        API found = connection.request("GET", "", null, Map.of(), API::new);
        if (found == null) {
            throw new FormatException("The answer is empty.", null);
        }
        return found;
    }

    /** Whether the engine answers, now. */
    public boolean test() {
        try {
            entry = read();
            return true;
        } catch (ConnectionException e) {
            return false;
        }
    }

    /** Name, vendor and version. */
    public ProductInfo getProductInfo() {
        return entry.productInfo();
    }

    /** Counts of hosts, storage domains, users and VMs, read anew; null for ordinary users. */
    public ApiSummary getSummary() {
        entry = read();
        return entry.summary();
    }

    /** For {@link Builder#sessionId} elsewhere; null without a kept session. */
    public String getSessionId() {
        return connection.session();
    }

    /** An answer that is no object, by its path below the API's: {@code ?rsdl}, {@code ?schema}, a viewer's file. */
    public byte[] document(String path, String accept) {
        return connection.document(path, accept);
    }

    /** End the session. What came from it cannot be used any more. */
    @Override
    public void close() {
        connection.close();
    }

    /** How to connect. Each method returns the same builder. */
    public static final class Builder {
        final String url;
        String user;
        String password = "";
        Path caFile;
        boolean insecure;
        boolean filter;
        boolean persistent = true;
        boolean renewSession;
        Integer sessionTimeout;
        String sessionId;
        Duration timeout = Duration.ofMinutes(3);

        private Builder(String url) {
            this.url = Objects.requireNonNull(url, "url");
        }

        /** Who signs in, as {@code admin@internal}. */
        public Builder user(String name, String secret) {
            user = Objects.requireNonNull(name, "name");
            password = Objects.requireNonNull(secret, "secret");
            return this;
        }

        /** PEM file of the engine's CA; without it the JDK's CAs are believed. */
        public Builder caFile(Path file) {
            caFile = file;
            return this;
        }

        /** Believe whoever answers, for a first try only. */
        public Builder insecure() {
            insecure = true;
            return this;
        }

        /** See as an ordinary user does: only what permissions show. */
        public Builder filter() {
            filter = true;
            return this;
        }

        /** False: sign in anew with every request. */
        public Builder persistentAuth(boolean value) {
            persistent = value;
            return this;
        }

        /** Sign in again when the session has ended. */
        public Builder renewSession() {
            renewSession = true;
            return this;
        }

        /** Minutes without a request after which the session ends. */
        public Builder sessionTimeout(int minutes) {
            sessionTimeout = minutes;
            return this;
        }

        /** Go on with a session of before. */
        public Builder sessionId(String id) {
            sessionId = id;
            return this;
        }

        /** For each answer; three minutes unless told. */
        public Builder timeout(Duration value) {
            timeout = Objects.requireNonNull(value, "value");
            return this;
        }

        /** Connect. ServerException with 401 for a wrong password, ConnectionException if nobody answers. */
        public Api open() {
            return new Api(new Connection(this));
        }
    }
}
