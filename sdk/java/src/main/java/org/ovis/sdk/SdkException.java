package org.ovis.sdk;

/** Base of everything that the SDK throws. */
public class SdkException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** With words for people, and what lies behind them or null. */
    public SdkException(String text, Throwable cause) {
        super(text, cause);
    }
}
