package org.ovis.sdk;

import java.util.List;
import java.util.function.Supplier;

/**
 * A collection that can be searched in the engine's search language.
 *
 * @param <R> its objects
 */
public abstract class Searched<R extends Struct> extends Listed<R> {
    /** Below a place, at a segment; maker: an empty object. */
    protected Searched(Place parent, String segment, Supplier<R> maker) {
        super(parent, segment, maker);
    }

    @Override
    public final R get(String name) {
        boolean plain = name.chars().allMatch(c -> Character.isLetterOrDigit(c) || "-_.".indexOf(c) >= 0);
        return named(name, new Query().search("name=" + (plain ? name : '"' + name.replace("\"", "\\\"") + '"')));
    }

    /** Those that a search finds: {@code status=up sortby name}. */
    public final List<R> list(String search) {
        return list(new Query().search(search));
    }

    /** Those that a search finds, at most so many. */
    public final List<R> list(String search, int max) {
        return list(new Query().search(search).max(max));
    }
}
