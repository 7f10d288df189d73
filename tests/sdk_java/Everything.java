import java.io.ByteArrayInputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import javax.xml.parsers.DocumentBuilderFactory;
import org.ovis.sdk.Api;
import org.ovis.sdk.Collection;
import org.ovis.sdk.ConnectionException;
import org.ovis.sdk.FormatException;
import org.ovis.sdk.Listed;
import org.ovis.sdk.SdkException;
import org.ovis.sdk.ServerException;
import org.ovis.sdk.UsageException;
import org.ovis.sdk.types.VM;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** Calls the method of every operation that the engine describes, once, for objects that do not exist; then all kinds of error. */
public class Everything {
    static final String NOBODY = "00000000-0000-4000-8000-00000000dead";
    static final Set<Integer> REFUSED = Set.of(400, 403, 404, 409);
    static final Set<String> VERBS = Set.of("get", "add", "update", "delete");
    static final List<String> WRONG = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        String url = args[0];
        String password = Files.readString(Path.of(args[1])).trim();
        Path ca = Path.of(args[2]);
        try (Api api = Api.at(url).user("admin@internal", password).caFile(ca).open()) {
            System.out.println("called " + everything(api));
        }
        expect(ServerException.class, "401", () -> Api.at(url).user("admin@internal", "wrong").caFile(ca).open());
        expect(ConnectionException.class, "trusted", () -> Api.at(url).user("admin@internal", password).open());
        expect(ConnectionException.class, "No answer", () -> Api.at("https://127.0.0.1:1/api").insecure().open());
        expect(UsageException.class, "cannot be read", () -> Api.at(url).caFile(Path.of("/nowhere.pem")).open());
        expect(UsageException.class, "no certificate", () -> Api.at(url).caFile(Path.of(args[1])).open());
        expect(UsageException.class, "no address", () -> Api.at("ftp://x").open());
        expect(FormatException.class, "answer is", () -> Api.at(url.replace("/api", "/ovirt-engine/apidoc")).insecure().open());
        Api ended = Api.at(url).user("admin@internal", password).insecure().open();
        var vm = ended.getVMs().at(NOBODY);
        expect(ServerException.class, "404", vm::start);
        String session = ended.getSessionId();
        try (Api second = Api.at(url).sessionId(session).caFile(ca).open()) {
            check(second.getProductInfo().name() != null, "a session can be taken over");
        }
        expect(ServerException.class, "401", () -> Api.at(url).sessionId(session).caFile(ca).open());
        ended.close();
        expect(UsageException.class, "ended", vm::start);
        check(new VM().name("a<&\">").memory(5).toXml().equals("<vm><name>a&lt;&amp;&quot;&gt;</name><memory>5</memory></vm>"), "escapes");
        WRONG.forEach(System.out::println);
        System.exit(WRONG.isEmpty() ? 0 : 1);
    }

    static int everything(Api api) throws Exception {
        Document rsdl = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(api.document("?rsdl", "application/xml")));
        NodeList links = ((Element) rsdl.getElementsByTagName("links").item(0)).getElementsByTagName("link");
        int called = 0;
        for (int i = 0; i < links.getLength(); i++) {
            Element link = (Element) links.item(i);
            String rel = link.getAttribute("rel");
            try {
                call(at(api, link.getAttribute("href"), rel), rel);
            } catch (InvocationTargetException e) {
                boolean fine = e.getCause() instanceof ServerException
                        && REFUSED.contains(((ServerException) e.getCause()).getStatus());
                check(fine, rel + " " + link.getAttribute("href") + ": " + e.getCause());
            } catch (NoSuchMethodException e) {
                check(false, rel + " " + link.getAttribute("href") + " has no method");
            }
            called++;
        }
        return called;
    }

    /** What an address names, reached as users do: a collection, an object, or a collection with get by id. */
    static Object at(Object from, String href, String rel) throws Exception {
        List<String> parts = new ArrayList<>(Arrays.asList(href.split("/")));
        if (!VERBS.contains(rel)) {
            parts.remove(parts.size() - 1);
        }
        Object found = from;
        for (int i = 0; i < parts.size(); i++) {
            if (parts.get(i).startsWith("{")) {
                if (rel.equals("get") && i == parts.size() - 1) {
                    return new Object[] {found};
                }
                found = ((Collection<?>) found).at(NOBODY);
            } else {
                found = method(found, "get" + parts.get(i), 0).invoke(found);
            }
        }
        return found;
    }

    static void call(Object on, String rel) throws Exception {
        if (on instanceof Object[]) {
            Object collection = ((Object[]) on)[0];
            check(((Listed<?>) collection).getById(NOBODY) == null, "an object that nobody made: " + collection.getClass());
        } else if (rel.equals("get") && on instanceof Listed) {
            method(on, "list", 0).invoke(on);
        } else if (rel.equals("add")) {
            Method add = method(on, "add", 1);
            add.invoke(on, add.getParameterTypes()[0].getDeclaredConstructor().newInstance());
        } else if (!rel.equals("get")) {
            method(on, rel, 0).invoke(on);
        }
    }

    static Method method(Object on, String name, int parameters) throws NoSuchMethodException {
        for (Method one : on.getClass().getMethods()) {
            boolean same = one.getName().replace("_", "").equalsIgnoreCase(name.replace("_", ""));
            if (same && one.getDeclaringClass() != Object.class && one.getParameterCount() == parameters) {
                return one;
            }
        }
        throw new NoSuchMethodException(name);
    }

    static void expect(Class<? extends SdkException> kind, String words, Runnable what) {
        try {
            what.run();
            check(false, "no " + kind.getSimpleName());
        } catch (SdkException e) {
            check(kind.isInstance(e) && e.getMessage().contains(words), kind.getSimpleName() + " " + words + ", not " + e);
        }
    }

    static void check(boolean good, String what) {
        if (!good) {
            WRONG.add(what);
        }
    }
}
