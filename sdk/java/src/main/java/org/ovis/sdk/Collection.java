package org.ovis.sdk;

import java.util.Map;
import java.util.function.Supplier;
import org.ovis.sdk.types.Action;

/**
 * Objects of one type at one place. What can be done there are methods of its subclass.
 *
 * @param <R> its objects
 */
public abstract class Collection<R extends Struct> {
    final Place place;
    final Supplier<R> maker;

    /** Below a place, at a segment; maker: an empty object. */
    protected Collection(Place parent, String segment, Supplier<R> maker) {
        this.place = parent.below(segment);
        this.maker = maker;
    }

    /** The object of this id, without asking the engine: for actions and what lies below it. */
    public final R at(String id) {
        return placed(maker.get(), id);
    }

    final R placed(R one, String id) {
        one.put("id", id);
        one.at(place.below(Connection.quoted(id)));
        return one;
    }

    final R placed(R one) {
        Object id = one.got("id");
        return id == null ? one : placed(one, String.valueOf(id));
    }

    /** POST a new object. */
    protected final R sendAdd(Struct body, Options how) {
        String url = Connection.address(place.path, how.matrix, Map.of());
        R answer = place.connection.request("POST", url, body.toXml(), how.headers, maker);
        if (answer == null) {
            throw new FormatException("The engine said nothing of what it made.", null);
        }
        return placed(answer);
    }

    /** POST an action of the collection. */
    protected final Action sendAction(String name, Action action, Options how) {
        return Connection.act(place, name, action, how);
    }
}
