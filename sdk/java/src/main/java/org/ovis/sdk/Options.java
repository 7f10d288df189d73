package org.ovis.sdk;

import java.util.LinkedHashMap;
import java.util.Map;

/** How a change is to be done. Each method returns the same options: {@code new Options().correlationId("x")}. */
public final class Options {
    final Map<String, String> matrix = new LinkedHashMap<>();
    final Map<String, String> headers = new LinkedHashMap<>();

    /** A word of yours that the engine's events and jobs will carry. */
    public Options correlationId(String value) {
        headers.put("Correlation-Id", value);
        return this;
    }

    /** What the answer must wait for, such as {@code 201-created}. */
    public Options expect(String value) {
        headers.put("Expect", value);
        return this;
    }

    /** True: answer before it is done. */
    public Options async(boolean value) {
        return parameter("async", value);
    }

    /** A parameter of the operation, as its description names it. */
    public Options parameter(String name, Object value) {
        matrix.put(name, Table.text(value));
        return this;
    }
}
