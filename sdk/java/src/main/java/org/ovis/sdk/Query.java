package org.ovis.sdk;

import java.util.LinkedHashMap;
import java.util.Map;

/** Which objects a list is to have. Each method returns the same query: {@code new Query().search("status=up").max(10)}. */
public final class Query {
    final Map<String, String> matrix = new LinkedHashMap<>();
    final Map<String, String> query = new LinkedHashMap<>();
    final Map<String, String> headers = new LinkedHashMap<>();

    /** In the engine's search language: {@code status=up and cluster=Default sortby name}. */
    public Query search(String value) {
        query.put("search", value);
        return this;
    }

    /** At most so many. */
    public Query max(int value) {
        return parameter("max", value);
    }

    /** Whether the search heeds case; it does unless told. */
    public Query caseSensitive(boolean value) {
        return parameter("case_sensitive", value);
    }

    /** True: with what only a request of its own would say. */
    public Query allContent(boolean value) {
        headers.put("All-Content", Table.text(value));
        return this;
    }

    /** A parameter of the list, as its description names it. */
    public Query parameter(String name, Object value) {
        matrix.put(name, Table.text(value));
        return this;
    }
}
