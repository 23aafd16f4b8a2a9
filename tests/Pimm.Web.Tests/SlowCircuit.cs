using Microsoft.Playwright;

namespace Pimm.Web.Tests;

/// <summary>What a page and its server say to each other, held back or late: as over a bad line, or with a server that is busy.</summary>
internal sealed class SlowCircuit
{
    private readonly Lock turn = new();
    private readonly List<Action> held = [];
    private bool holds;

    /// <param name="late">how long every message takes, both ways</param>
    public static async Task<SlowCircuit> OfAsync(IPage page, TimeSpan late = default)
    {
        var circuit = new SlowCircuit();
        await page.RouteWebSocketAsync("**/*", socket =>
        {
            var server = socket.ConnectToServer();
            var (there, back) = (new Line(late), new Line(late));
            socket.OnMessage(frame => there.Pass(() => circuit.Send(() => Forward(server, frame))));
            server.OnMessage(frame => back.Pass(() => Forward(socket, frame)));
        });
        return circuit;
    }

    /// <summary>From now on the server hears nothing of the page; the page still hears the server.</summary>
    public void Hold()
    {
        lock (turn)
        {
            holds = true;
        }
    }

    /// <summary>The server hears all of it, in order.</summary>
    public void Release()
    {
        lock (turn)
        {
            holds = false;
            held.ForEach(send => send());
            held.Clear();
        }
    }

    private void Send(Action send)
    {
        lock (turn)
        {
            if (holds)
            {
                held.Add(send);
            }
            else
            {
                send();
            }
        }
    }

    private static void Forward(IWebSocketRoute to, IWebSocketFrame frame)
    {
        if (frame.Binary is { } bytes)
        {
            to.Send(bytes);
        }
        else
        {
            to.Send(frame.Text!);
        }
    }

    // One after the other, each as late as the first.
    private sealed class Line(TimeSpan late)
    {
        private Task last = Task.CompletedTask;

        public void Pass(Action send)
        {
            if (late == TimeSpan.Zero)
            {
                send();
                return;
            }
            var due = Task.Delay(late);
            last = last.ContinueWith(async _ => { await due; send(); }, TaskScheduler.Default).Unwrap();
        }
    }
}
