import { useEffect, useState } from "preact/hooks";
import { useKeys } from "../components/keys";
import { connection, needsToken } from "../state/connection";
import { overview } from "../state/overview";
import { route } from "../state/route";
import { useStore } from "../state/store";
import { Actions } from "./actions";
import { Banner } from "./banner";
import { Header } from "./header";
import { Help } from "./help";
import { Overview } from "./overview/overview";
import { showState } from "./tab_state";
import { Toast } from "./toast";
import { TokenForm } from "./token_form";
import { UpstreamView } from "./upstream/upstream";

/** The page: its head, notices, and the view that the URL names. */
export function App() {
  const open = useStore(route);
  const link = useStore(connection);
  const data = useStore(overview);
  const [hasHelp, setHelp] = useState(false);
  useKeys({ "?": () => setHelp(true) });
  useEffect(() => showState(data, link, open));
  const name = open.view === "upstream" ? open.name : "";
  useEffect(() => scrollTo(0, 0), [name]);
  const isLocked = needsToken(link) && data.gateway === undefined;
  return (
    <>
      <Header onHelp={() => setHelp(true)} />
      <main>
        <Banner />
        {isLocked && (
          <TokenForm reason="The gateway wants a token before it shows anything." mustWrite={false} />
        )}
        {!isLocked && (open.view === "overview" ? <Overview /> : <UpstreamView key={name} route={open} />)}
      </main>
      <Actions />
      <Toast />
      {hasHelp && <Help onClose={() => setHelp(false)} />}
    </>
  );
}
