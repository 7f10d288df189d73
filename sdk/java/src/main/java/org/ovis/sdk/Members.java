package org.ovis.sdk;

import java.io.IOException;
import java.io.InputStream;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/** The members of a list one by one, while it arrives. */
final class Members<T extends Struct> extends Spliterators.AbstractSpliterator<T> {
    private final InputStream source;
    private final XMLStreamReader reader;
    private final String element;
    private final Supplier<T> maker;
    private boolean begun;

    private Members(InputStream source, XMLStreamReader reader, String element, Supplier<T> maker) {
        super(Long.MAX_VALUE, Spliterator.ORDERED | Spliterator.NONNULL);
        this.source = source;
        this.reader = reader;
        this.element = element;
        this.maker = maker;
    }

    static <T extends Struct> Stream<T> of(
            InputStream source, String element, Supplier<T> maker, XMLInputFactory factory) {
        Members<T> made;
        try {
            made = new Members<>(source, factory.createXMLStreamReader(source), element, maker);
        } catch (XMLStreamException e) {
            close(source);
            throw new FormatException("The answer is no XML.", e);
        }
        return StreamSupport.stream(made, false).onClose(() -> close(source));
    }

    @Override
    public boolean tryAdvance(Consumer<? super T> action) {
        T found;
        try {
            found = next();
        } catch (XMLStreamException e) {
            close(source);
            if (begun) {
                throw new ConnectionException("The answer broke off.", e);
            }
            throw new FormatException("The answer is no XML.", e);
        }
        if (found == null) {
            close(source);
            return false;
        }
        action.accept(found);
        return true;
    }

    private T next() throws XMLStreamException {
        if (!begun) {
            reader.nextTag();
            if ("html".equalsIgnoreCase(reader.getLocalName())) {
                throw new FormatException("The answer is a web page.", null);
            }
            begun = true;
        }
        while (reader.next() != XMLStreamConstants.END_ELEMENT) {
            if (reader.getEventType() != XMLStreamConstants.START_ELEMENT) {
                continue;
            }
            if (reader.getLocalName().equals(element)) {
                T made = maker.get();
                made.read(reader);
                return made;
            }
            Connection.skip(reader);
        }
        reader.close();
        return null;
    }

    private static void close(InputStream source) {
        try {
            source.close();
        } catch (IOException e) {
            throw new ConnectionException("The answer could not be closed: " + e.getMessage(), e);
        }
    }
}
