/** The sign-in: a page of its own, or before a page whose session ended. */
import { type FormEvent, type KeyboardEvent, type ReactElement, useState } from "react";
import { ENGINE } from "../api/base";
import { type State, session } from "../api/session";
import { Icon, Mark } from "../ui/Icon";
import { router } from "../router";
import { byPlace } from "../resources";

const LAST = "ovis.webadmin.signin";

function Rings(): ReactElement {
  const rings = Array.from({ length: 14 }, (_, ring) => {
    const points = Array.from({ length: 48 }, (_, step) => {
      const angle = (step / 48) * Math.PI * 2;
      const wave = Math.sin(angle * 3 + 0.6) * 0.1 + Math.sin(angle * 2 - 1) * 0.09 + Math.sin(angle * 5) * 0.02;
      const radius = (34 + ring * 46) * (1 + wave * Math.max(0.35, 1 - ring / 16));
      return `${(300 + Math.cos(angle) * radius).toFixed(1)} ${(430 + Math.sin(angle) * radius).toFixed(1)}`;
    });
    return <path key={ring} d={`M${points.join("L")}Z`} strokeLinejoin="round" />;
  });
  return (
    <svg className="rings" viewBox="0 0 600 900" preserveAspectRatio="xMidYMid slice" aria-hidden>
      <g fill="none" stroke="#2c3f6b" strokeWidth="1.300">
        {rings}
      </g>
    </svg>
  );
}

export function SignIn({ state }: { state: State }): ReactElement {
  const again = state.phase === "again" ? state.who : undefined;
  const profiles = state.phase === "out" ? state.profiles : ["internal"];
  const remembered = again ? again.user.split("@") : (localStorage.getItem(LAST) ?? "").split("@");
  const [user, setUser] = useState(remembered[0] ?? "");
  const [password, setPassword] = useState("");
  const [profile, setProfile] = useState(remembered[1] && profiles.includes(remembered[1]) ? remembered[1] : (profiles[0] ?? ""));
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  const [shown, setShown] = useState(false);
  const [caps, setCaps] = useState(false);
  const place = byPlace(router.address().place)?.label;

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    if (!user.trim()) return setFault("Enter a user name.");
    setBusy(true);
    const refused = await session.signIn(user.trim(), password, profile);
    setBusy(false);
    if (refused === undefined) {
      localStorage.setItem(LAST, `${user.trim()}@${profile}`);
      setPassword("");
    } else {
      setFault(refused);
    }
  };
  const watchCaps = (event: KeyboardEvent): void => setCaps(event.getModifierState("CapsLock"));

  const form = (
    <form className="ov-signin-form" onSubmit={(event) => void submit(event)}>
      <h1>Log in</h1>
      <label>
        User name
        <input value={user} onChange={(event) => setUser(event.target.value)} autoComplete="username" autoFocus={!user} spellCheck={false} autoCapitalize="none" />
      </label>
      <label htmlFor="password">Password</label>
      <span className="with-sign">
        <input
          id="password"
          type={shown ? "text" : "password"}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          autoComplete="current-password"
          autoFocus={Boolean(user)}
          aria-describedby="signin-told"
          onKeyDown={watchCaps}
          onKeyUp={watchCaps}
        />
        <button type="button" className="ov-button bare" aria-label={shown ? "Hide what is typed" : "Show what is typed"} aria-pressed={shown} onClick={() => setShown(!shown)}>
          <Icon name="eye" />
        </button>
      </span>
      {caps && <p className="caps">Caps Lock is on.</p>}
      <label>
        Profile
        <select value={profile} onChange={(event) => setProfile(event.target.value)}>
          {profiles.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <button type="submit" className="ov-button primary" aria-busy={busy}>
        {busy ? "Logging in …" : "Log in"}
      </button>
      <div id="signin-told" aria-live="polite">
        {fault && (
          <p className="told fault" role="alert">
            <Icon name="alert" />
            {fault}
          </p>
        )}
        {!fault && state.phase === "again" && (
          <p className="told">
            <Icon name="help" />
            <span>
              {state.why === "idle" ? `Your session ended after ${Math.round(state.who.idle_seconds / 60)} min without use.` : "Your session has ended."} After this
              you are back at <b>{place ?? "the same page"}</b>, with the same search.
            </span>
          </p>
        )}
      </div>
    </form>
  );

  return (
    <div className={`ov-signin${again ? " over" : ""}`}>
      <div className="picture" aria-hidden>
        <Rings />
        <p className="mark">
          <Mark size={36} /> Ovis
        </p>
        <p className="words">Hosts, storage, networks and virtual machines in one place.</p>
        <p className="host">{location.hostname}</p>
      </div>
      <main>
        {form}
        <nav aria-label="Elsewhere">
          <a href={`${ENGINE}web-ui/`}>VM Portal</a>
          <a href={`${ENGINE}services/pki-resource?resource=ca-certificate&format=X509-PEM-CA`}>Engine CA</a>
          <a href={`${ENGINE}api`}>API</a>
        </nav>
      </main>
    </div>
  );
}
