package org.ovis.sdk;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A collection that can be read.
 *
 * @param <R> its objects
 */
public abstract class Listed<R extends Struct> extends Collection<R> {
    private final String element;

    /** Below a place, at a segment; maker: an empty object. */
    protected Listed(Place parent, String segment, Supplier<R> maker) {
        super(parent, segment, maker);
        element = maker.get().table().element;
    }

    /** The one of this name, or null if there is none; UsageException if there are several. */
    public R get(String name) {
        return named(name, new Query());
    }

    final R named(String name, Query query) {
        Objects.requireNonNull(name, "name");
        List<R> found;
        try (Stream<R> all = stream(query)) {
            found = all.filter(one -> name.equals(one.got("name"))).collect(Collectors.toList());
        }
        if (found.size() > 1) {
            throw new UsageException("There are " + found.size() + " of the name " + name + "; get one by its id.");
        }
        return found.isEmpty() ? null : found.get(0);
    }

    /** The one of this id, or null if there is none. */
    public final R getById(String id) {
        Objects.requireNonNull(id, "id");
        String url = place.path + "/" + Connection.quoted(id);
        try {
            R found = place.connection.request("GET", url, null, Map.of(), maker);
            return found == null ? null : placed(found, id);
        } catch (ServerException e) {
            if (e.getStatus() == 404) {
                return null;
            }
            throw e;
        }
    }

    /** All that the user may see. */
    public final List<R> list() {
        return list(new Query());
    }

    /** Those that a query finds. */
    public final List<R> list(Query query) {
        try (Stream<R> all = stream(query)) {
            return all.collect(Collectors.toCollection(ArrayList::new));
        }
    }

    /** As list, one by one while the answer arrives; close it unless all are taken. */
    public final Stream<R> stream(Query query) {
        String url = Connection.address(place.path, query.matrix, query.query);
        return place.connection.members(url, element, query.headers, maker).map(this::placed);
    }
}
