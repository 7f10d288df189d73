package org.ovis.sdk;

import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.Map;

/** A type's properties: by which names and as what they stand in XML. The generator writes one for each type. */
public final class Table {
    /** One property. kind: a scalar's or a type's name. */
    static final class Row {
        final String kind;
        final boolean many;
        final boolean attribute;
        private Class<? extends Struct> type;

        Row(String text) {
            many = text.startsWith("*");
            attribute = text.startsWith("@");
            kind = many || attribute ? text.substring(1) : text;
        }

        boolean scalar() {
            return Character.isLowerCase(kind.charAt(0));
        }

        /** An empty object of the property's type. */
        Struct make() {
            try {
                if (type == null) {
                    type = Class.forName("org.ovis.sdk.types." + kind).asSubclass(Struct.class);
                }
                return type.getDeclaredConstructor().newInstance();
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException("the SDK lacks the type " + kind, e);
            }
        }

        /** A scalar's value. */
        Object value(String tag, String text) {
            try {
                switch (kind) {
                    case "int":
                        return Integer.valueOf(text.trim());
                    case "long":
                        return Long.valueOf(text.trim());
                    case "decimal":
                        return Double.valueOf(text.trim());
                    case "boolean":
                        return "true".equalsIgnoreCase(text.trim()) || "1".equals(text.trim());
                    case "date":
                        return OffsetDateTime.parse(text.trim());
                    default:
                        return text;
                }
            } catch (NumberFormatException | DateTimeParseException e) {
                throw new FormatException("<" + tag + "> has " + text.trim() + ", which is no " + kind, e);
            }
        }
    }

    final String element;
    final Map<String, Row> rows = new LinkedHashMap<>();

    private Table(String element) {
        this.element = element;
    }

    /** From the base's table or null, the element, and {@code tag:kind} words; {@code *} is repeated, {@code @} an attribute. */
    public static Table of(Table base, String element, String words) {
        Table made = new Table(element);
        if (base != null) {
            made.rows.putAll(base.rows);
        }
        for (String word : words.isEmpty() ? new String[0] : words.split(" ")) {
            int colon = word.indexOf(':');
            made.rows.put(word.substring(0, colon), new Row(word.substring(colon + 1)));
        }
        return made;
    }

    /** A scalar as XML and addresses have it. */
    static String text(Object value) {
        return String.valueOf(value);
    }
}
