/** PatternFly's base, for parts that use its components (dialogs): import this beside them. */
import "@patternfly/react-core/dist/styles/base-no-reset.css";
