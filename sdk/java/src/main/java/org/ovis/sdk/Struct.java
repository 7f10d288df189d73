package org.ovis.sdk;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.ovis.sdk.types.Action;

/**
 * What all types of the API share. A property is read by the method of its name ({@code vm.name()}) and set by the same with a
 * value, which returns the object ({@code vm.name("web1").memory(1L << 30)}). What was not given is null, a repeated property
 * an empty list. XML that no type knows is left aside.
 */
public abstract class Struct {
    private static final Set<String> OUTPUT = Set.of("actions", "link", "creation_status");

    private final Map<String, Object> values = new LinkedHashMap<>();
    private Place place;

    /** Of this type. */
    protected abstract Table table();

    /** A property's value. */
    @SuppressWarnings("unchecked")
    protected final <T> T got(String tag) {
        return (T) values.get(tag);
    }

    /** A repeated property's values, to look at. */
    @SuppressWarnings("unchecked")
    protected final <T> List<T> all(String tag) {
        Object found = values.get(tag);
        return found == null ? List.of() : Collections.unmodifiableList((List<T>) found);
    }

    /** Set a property; null takes it away. */
    @SuppressWarnings("unchecked")
    protected final <S> S put(String tag, Object value) {
        if (value == null) {
            values.remove(tag);
        } else {
            values.put(tag, value);
        }
        return (S) this;
    }

    /** Set a repeated property. */
    protected final <S> S putAll(String tag, Object[] given) {
        return put(tag, new ArrayList<>(Arrays.asList(given)));
    }

    /** Take properties away, by their names in XML; they will not be sent. */
    public final void clear(String... tags) {
        values.keySet().removeAll(Arrays.asList(tags));
    }

    // Where it lives ---------------------------------------------------------------------------------------------

    /** Where it lives; UsageException for an object that no engine gave. */
    protected final Place where() {
        if (place == null) {
            throw new UsageException("This object came from no engine; add it to a collection first.");
        }
        return place;
    }

    final void at(Place found) {
        place = found;
    }

    /** PUT what it holds; it then holds the answer. */
    protected final void sendUpdate(Options how) {
        Place here = where();
        String url = Connection.address(here.path, how.matrix, Map.of());
        Struct answer = here.connection.request("PUT", url, toXml(), how.headers, this::fresh);
        if (answer != null) {
            values.clear();
            values.putAll(answer.values);
        }
    }

    /** DELETE it. */
    protected final void sendDelete(Struct body, Options how) {
        Place here = where();
        String url = Connection.address(here.path, how.matrix, Map.of());
        here.connection.request("DELETE", url, body == null ? "<action/>" : body.toXml(), how.headers, null);
    }

    /** POST an action of it. */
    protected final Action sendAction(String name, Action action, Options how) {
        return Connection.act(where(), name, action, how);
    }

    private Struct fresh() {
        try {
            return getClass().getDeclaredConstructor().newInstance();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    // XML --------------------------------------------------------------------------------------------------------

    /** Take what the element holds at whose start the reader stands; the reader then stands at its end. */
    final void read(XMLStreamReader reader) throws XMLStreamException {
        Map<String, Table.Row> rows = table().rows;
        for (int i = 0; i < reader.getAttributeCount(); i++) {
            Table.Row row = rows.get(reader.getAttributeLocalName(i));
            if (row != null && row.attribute) {
                String tag = reader.getAttributeLocalName(i);
                values.put(tag, row.value(tag, reader.getAttributeValue(i)));
            }
        }
        StringBuilder text = new StringBuilder();
        boolean plain = true;
        while (reader.next() != XMLStreamConstants.END_ELEMENT) {
            if (reader.getEventType() == XMLStreamConstants.START_ELEMENT) {
                plain = false;
                readChild(reader, rows.get(reader.getLocalName()));
            } else if (reader.hasText()) {
                text.append(reader.getText());
            }
        }
        Table.Row value = rows.get("value");
        if (plain && value != null && value.scalar() && text.length() > 0) {
            values.put("value", value.value("value", text.toString()));
        }
    }

    private void readChild(XMLStreamReader reader, Table.Row row) throws XMLStreamException {
        if (row == null || row.attribute) {
            Connection.skip(reader);
            return;
        }
        String tag = reader.getLocalName();
        Object found;
        if (row.scalar()) {
            found = row.value(tag, Connection.textOf(reader));
        } else {
            Struct inner = row.make();
            inner.read(reader);
            found = inner;
        }
        if (row.many) {
            @SuppressWarnings("unchecked")
            List<Object> list = (List<Object>) values.computeIfAbsent(tag, t -> new ArrayList<>());
            list.add(found);
        } else {
            values.put(tag, found);
        }
    }

    /** As an element; what only an engine says is left out. */
    public final String toXml() {
        StringBuilder out = new StringBuilder();
        write(table().element, out);
        return out.toString();
    }

    private void write(String tag, StringBuilder out) {
        StringBuilder inner = new StringBuilder();
        out.append('<').append(tag);
        for (Map.Entry<String, Table.Row> entry : table().rows.entrySet()) {
            String name = entry.getKey();
            Object value = values.get(name);
            if (value == null || OUTPUT.contains(name)) {
                continue;
            }
            if (entry.getValue().attribute) {
                out.append(' ').append(name).append("=\"").append(escaped(Table.text(value))).append('"');
                continue;
            }
            for (Object one : entry.getValue().many ? (List<?>) value : List.of(value)) {
                writeInside(name, one, inner);
            }
        }
        if (inner.length() == 0) {
            out.append("/>");
        } else {
            out.append('>').append(inner).append("</").append(tag).append('>');
        }
    }

    /** An object of the engine inside another one is a reference. */
    private static void writeInside(String tag, Object one, StringBuilder out) {
        if (!(one instanceof Struct)) {
            out.append('<').append(tag).append('>').append(escaped(Table.text(one)));
            out.append("</").append(tag).append('>');
            return;
        }
        Struct inner = (Struct) one;
        Object id = inner.values.get("id");
        if (inner.place != null && id != null) {
            out.append('<').append(tag).append(" id=\"").append(escaped(Table.text(id))).append("\"/>");
        } else {
            inner.write(tag, out);
        }
    }

    private static String escaped(String text) {
        StringBuilder out = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '<':
                    out.append("&lt;");
                    break;
                case '>':
                    out.append("&gt;");
                    break;
                case '&':
                    out.append("&amp;");
                    break;
                case '"':
                    out.append("&quot;");
                    break;
                case '\n':
                case '\r':
                case '\t':
                    out.append("&#").append((int) c).append(';');
                    break;
                default:
                    out.append(c);
            }
        }
        return out.toString();
    }

    /** Same element, same values. */
    @Override
    public final boolean equals(Object other) {
        return other instanceof Struct
                && table().element.equals(((Struct) other).table().element)
                && values.equals(((Struct) other).values);
    }

    @Override
    public final int hashCode() {
        return values.hashCode();
    }

    /** Its element with id and name; {@link #toXml} has the rest. */
    @Override
    public final String toString() {
        StringBuilder out = new StringBuilder(table().element);
        for (String tag : List.of("id", "name")) {
            if (values.containsKey(tag)) {
                out.append(' ').append(tag).append('=').append(values.get(tag));
            }
        }
        return out.toString();
    }
}
