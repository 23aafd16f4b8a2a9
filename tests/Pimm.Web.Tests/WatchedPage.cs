using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Shouldly;

namespace Pimm.Web.Tests;

/// <summary>A browser page that remembers what its console complained about and which hosts it asked.</summary>
public sealed class WatchedPage : IAsyncDisposable
{
    private readonly List<string> complaints = [];

    /// <summary>Takes what a page showed at its end: where its test failed, that is what a wait in vain was waiting before.</summary>
    public static Action<string>? Tell { get; set; }

    public WatchedPage(IPage page)
    {
        Page = page;
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                complaints.Add(message.Text);
            }
        };
        page.PageError += (_, error) => complaints.Add(error);
        page.Request += (_, request) => Hosts.Add(new Uri(request.Url).Host);
    }

    public IPage Page { get; }

    public HashSet<string> Hosts { get; } = [];

    /// <summary>Script errors and violations of the content security policy; an answer of 4xx is none.</summary>
    public IReadOnlyList<string> Complaints => [.. complaints.Where(text => !text.StartsWith("Failed to load resource", StringComparison.Ordinal))];

    public async Task SignInAsync(string user, string password)
    {
        await Page.GotoAsync("/sign-in");
        await TrySignInAsync(user, password);
        await Page.WaitForURLAsync(address => new Uri(address).AbsolutePath == "/");
    }

    public async Task TrySignInAsync(string user, string password)
    {
        await Page.FillAsync("#name", user);
        await Page.FillAsync("#password", password);
        await Page.ClickAsync("button[type=submit]");
    }

    /// <summary>Waits until the page is alive: its circuit answers.</summary>
    public async Task GoAsync(string path)
    {
        var circuit = Page.WaitForWebSocketAsync();
        await Page.GotoAsync(path);
        await circuit;
        await Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
    }

    /// <summary>Through the menu of a page that is alive: a page that comes alive closes it again.</summary>
    public async Task SignOutAsync()
    {
        await Page.WaitForSelectorAsync(".shell[data-alive=yes]");
        await Page.ClickAsync(".user-menu summary");
        await Page.ClickAsync("text=Sign out");
        await Page.WaitForURLAsync("**/sign-in");
    }

    /// <summary>Nothing serious or critical by axe.</summary>
    public async Task ShouldBeAccessibleAsync()
    {
        // Without its font an icon is the word that it is written as.
        await Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        await Page.EvaluateAsync("document.fonts.ready.then(() => true)");
        (await Page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical")
            .Select(violation => $"{violation.Id}: {violation.Help}: {string.Join(" | ", violation.Nodes.Take(3).Select(node => node.Html))}").ShouldBeEmpty(Page.Url);
    }

    public void ShouldBeQuiet() => Complaints.ShouldBeEmpty();

    public async ValueTask DisposeAsync()
    {
        await TellAsync();
        await Page.Context.DisposeAsync();
    }

    private async Task TellAsync()
    {
        if (Tell is not { } tell)
        {
            return;
        }

        try
        {
            tell($"{Page.Url}\n{string.Join('\n', complaints)}\n{await Page.Locator("body").AriaSnapshotAsync(new() { Timeout = 2_000 })}");
        }
        catch (Exception e) when (e is PlaywrightException or TimeoutException)
        {
            // The page is closed, or shows nothing.
        }
    }
}
