#Requires -Version 5.1
<#
.SYNOPSIS
    Prepares this PC for drova_gate: OpenSSH server, its firewall rule, the gate's key. Run it once, as administrator, with Shadow Mode off.
.DESCRIPTION
    Does only what is missing, so it may be run again. -WhatIf shows what it would do and does nothing. It holds no secret and downloads
    nothing but Windows' own OpenSSH server (by Windows Update).
.PARAMETER Router
    Address of the router (of the machine that runs drova_gate): the only one that may connect to SSH.
.PARAMETER Login
    Account that the gate logs in to: an administrator. Empty: the one at the desktop, which is the simplest.
.PARAMETER Port
    Port of the SSH server.
.PARAMETER Package
    OpenSSH-Win64 as .msi or .zip, for a PC without Windows Update.
.PARAMETER NewAccount
    Make the account -Login (a hidden local administrator that nobody knows the password of) if it is not there.
#>
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [string] $Router = '{{ROUTER}}',
    [string] $Login = '{{LOGIN}}',
    [int] $Port = '{{PORT}}',
    [string] $Package = '',
    [switch] $NewAccount
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

$GateKey = '{{KEY}}'
$KeyFile = '{{KEY_FILE}}'
$Cmdlet = $PSCmdlet
$SshData = Join-Path $env:ProgramData 'ssh'
$RuleName = 'OpenSSH-Server-In-TCP'
$Winlogon = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon'
# Administrators and Local System by their numbers: their names are translated.
$Administrators = 'S-1-5-32-544'
$System = 'S-1-5-18'

# -- texts: English, Russian ---------------------------------------------------------------------------------------------

$Language = 0
if ($PSUICulture -like 'ru*') { $Language = 1 }
$Texts = @{
    title           = @('drova_gate: preparing {0}', 'drova_gate: подготовка {0}')
    not_admin       = @('needs administrator rights; right-click Start, choose Terminal (Admin) or PowerShell (Admin), and run it there', 'нужны права администратора: правый щелчок по кнопке «Пуск», «Терминал (администратор)» или «PowerShell (администратор)», и запустите скрипт там')
    not_64          = @('this is a 32-bit PowerShell; start the usual one (Terminal, Admin)', 'это 32-разрядный PowerShell; запустите обычный (Терминал, администратор)')
    router_wrong    = @('"{0}" is no address of a router; give it: -Router 192.168.1.1', '«{0}» — не адрес роутера; укажите его: -Router 192.168.1.1')
    router_silent   = @('the router {0} does not answer a ping: is the address right? Only it will be able to connect', 'роутер {0} не отвечает на ping: адрес верный? Подключаться сможет только он')
    router_ok       = @('the router {0} answers', 'роутер {0} отвечает')
    later           = @('{0}: to be seen once the OpenSSH server is installed', '{0}: станет видно после установки сервера OpenSSH')

    part_ssh        = @('OpenSSH server', 'Сервер OpenSSH')
    ssh_there       = @('installed: {0}', 'установлен: {0}')
    do_capability   = @('install Windows'' own OpenSSH server (takes some minutes)', 'установить сервер OpenSSH из состава Windows (несколько минут)')
    do_package      = @('install the OpenSSH server from {0}', 'установить сервер OpenSSH из {0}')
    ssh_installed   = @('installed', 'установлен')
    ssh_no_update   = @('Windows could not install its OpenSSH server ({0}). Windows Update is most likely off. Either switch it on and run this again, or download OpenSSH-Win64 (.msi or .zip) from https://github.com/PowerShell/Win32-OpenSSH/releases and run this again with -Package C:\path\to\file', 'Windows не смогла установить свой сервер OpenSSH ({0}). Скорее всего, отключён Центр обновления. Включите его и запустите скрипт снова либо скачайте OpenSSH-Win64 (.msi или .zip) с https://github.com/PowerShell/Win32-OpenSSH/releases и запустите скрипт с параметром -Package C:\путь\к\файлу')
    ssh_reboot      = @('installed, but Windows wants a reboot first; reboot (Shadow Mode off), then run this again', 'установлен, но Windows сначала требует перезагрузки; перезагрузите ПК (теневой режим выключен) и запустите скрипт снова')
    ssh_old         = @('this Windows (build {0}) has no OpenSSH server of its own: update it to 1809 or later, or download OpenSSH-Win64 (.msi or .zip) from https://github.com/PowerShell/Win32-OpenSSH/releases and run this again with -Package C:\path\to\file', 'в этой Windows (сборка {0}) нет своего сервера OpenSSH: обновите её до 1809 или новее либо скачайте OpenSSH-Win64 (.msi или .zip) с https://github.com/PowerShell/Win32-OpenSSH/releases и запустите скрипт с параметром -Package C:\путь\к\файлу')
    package_missing = @('{0} is not there; give the path of the .msi or .zip', '{0} не найден; укажите путь к .msi или .zip')
    package_kind    = @('{0} is neither .msi nor .zip', '{0} — не .msi и не .zip')
    package_empty   = @('{0} holds no sshd.exe; is it OpenSSH-Win64.zip?', 'в {0} нет sshd.exe; это точно OpenSSH-Win64.zip?')
    package_signed  = @('{0} is not signed by Microsoft ({1}); download it anew', '{0} не подписан Microsoft ({1}); скачайте заново')
    package_failed  = @('the installer ended with code {0}: {1}', 'установщик завершился с кодом {0}: {1}')
    part_start      = @('Service', 'Служба')
    do_automatic    = @('start the service sshd with Windows', 'запускать службу sshd вместе с Windows')
    ssh_automatic   = @('starts with Windows', 'запускается вместе с Windows')
    do_start        = @('start the service sshd', 'запустить службу sshd')
    ssh_runs        = @('runs', 'работает')
    ssh_no_start    = @('the service sshd does not start ({0}); look into Event Viewer, Applications and Services Logs, OpenSSH. After the updates of October 2024 the rights of {1}\logs were a known cause', 'служба sshd не запускается ({0}); смотрите «Просмотр событий», «Журналы приложений и служб», OpenSSH. После обновлений октября 2024 года известная причина — права на {1}\logs')
    shell_ok        = @('its shell is {0}', 'оболочка: {0}')
    shell_odd       = @('its shell is {0}; the gate works with cmd.exe and Windows PowerShell only. Back to cmd.exe: Remove-ItemProperty HKLM:\SOFTWARE\OpenSSH DefaultShell', 'оболочка: {0}; шлюз работает только с cmd.exe и Windows PowerShell. Вернуть cmd.exe: Remove-ItemProperty HKLM:\SOFTWARE\OpenSSH DefaultShell')

    part_account    = @('Account of the gate', 'Учётная запись для шлюза')
    account_nobody  = @('nobody is at the desktop; give the account: -Login NAME (an administrator of this PC)', 'на рабочем столе никого нет; укажите учётную запись: -Login ИМЯ (администратор этого ПК)')
    account_none    = @('there is no account {0}; give another one: -Login NAME, or let it be made: -NewAccount', 'учётной записи {0} нет; укажите другую: -Login ИМЯ, или разрешите создать её: -NewAccount')
    account_noname  = @('-NewAccount wants its name: -Login gate', 'с -NewAccount нужно имя: -Login gate')
    account_autolog = @('autologon is not set up, and with a second account Windows may stop at the sign-in screen; set autologon up first, or use the account at the desktop', 'автовход не настроен, а со второй учётной записью Windows может остановиться на экране входа; сначала настройте автовход или используйте учётную запись с рабочего стола')
    do_account      = @('make the hidden local administrator {0}', 'создать скрытого локального администратора {0}')
    account_made    = @('{0} is made; nobody knows its password, the gate comes with its key', '{0} создана; её пароля не знает никто, шлюз входит по ключу')
    account_admin   = @('{0}, an administrator', '{0}, администратор')
    account_unsure  = @('{0}; whether it is an administrator could not be read ({1}), the gate''s doctor will tell', '{0}; администратор ли это, прочитать не удалось ({1}), это покажет проверка шлюза')
    account_weak    = @('{0} is no administrator, and the gate needs one: run it again with -Login NAME, or with -Login gate -NewAccount', '{0} — не администратор, а шлюзу нужен администратор: запустите снова с -Login ИМЯ или с -Login gate -NewAccount')
    account_other   = @('{0} sits at the desktop, the gate logs in as {1}: it works, but logging in as {0} is simpler', 'за рабочим столом {0}, шлюз входит как {1}: это работает, но вход как {0} проще')

    part_key        = @('Key of the gate', 'Ключ шлюза')
    do_key          = @('write the gate''s public key into {0}', 'записать открытый ключ шлюза в {0}')
    key_there       = @('stands in {0}', 'есть в {0}')
    do_rights       = @('leave {0} to administrators and the system alone', 'оставить {0} только администраторам и системе')
    rights_ok       = @('nobody else may read or change it', 'никто другой не может его читать и менять')
    rights_wrong    = @('the rights of {0} could not be set ({1}); sshd ignores the key until then', 'не удалось задать права на {0} ({1}); пока это так, sshd не принимает ключ')

    part_config     = @('Settings of the SSH server', 'Настройки сервера SSH')
    config_ok       = @('{0} is as it should be', '{0} в порядке')
    do_config       = @('change {0}: {1}', 'изменить {0}: {1}')
    config_done     = @('changed; as it was before: {0}', 'изменено; прежний файл: {0}')
    config_refused  = @('sshd refuses the changed settings, so the old ones are back: {0}', 'sshd не принял изменённые настройки, возвращены прежние: {0}')
    config_limits   = @('{0} limits who may log in ("{1}"); see to it that the gate''s account may', '{0} ограничивает, кому можно входить («{1}»); проверьте, что учётной записи шлюза можно')
    config_missing  = @('{0} is not there; start the service sshd once', '{0} не найден; запустите службу sshd хотя бы раз')

    part_firewall   = @('Firewall', 'Брандмауэр')
    do_rule         = @('let {0} alone reach port {1}', 'пускать на порт {1} только {0}')
    do_other        = @('limit the rule "{0}" to {1} as well', 'ограничить адресом {1} и правило «{0}»')
    rule_ok         = @('port {1} is open to {0} alone', 'порт {1} открыт только для {0}')
    firewall_off    = @('Windows Firewall is off for: {0}; everybody in the network may try to log in. Switch it on: Set-NetFirewallProfile -All -Enabled True', 'брандмауэр Windows выключен для: {0}; пытаться войти может кто угодно в сети. Включить: Set-NetFirewallProfile -All -Enabled True')

    part_station    = @('The station itself', 'Сама станция')
    shadow_there    = @('Shadow Defender is installed; was Shadow Mode off just now? Otherwise all of this is gone at the next boot', 'Shadow Defender установлен; теневой режим (Shadow Mode) сейчас выключен? Иначе всё это пропадёт при перезагрузке')
    shadow_none     = @('Shadow Defender is not installed: without it nothing is rolled back. Get it, with a licence, from its maker: https://www.shadowdefender.com', 'Shadow Defender не установлен: без него откатывать изменения нечему. Его и лицензию берут у разработчика: https://www.shadowdefender.com')
    autologon_ok    = @('autologon is on for {0}', 'автовход включён для {0}')
    autologon_off   = @('autologon is off: after a reset nobody is at the desktop. Set it up with Autologon from Microsoft Sysinternals, which keeps the password encrypted', 'автовход выключен: после сброса за рабочим столом никого не будет. Настройте его программой Autologon (Microsoft Sysinternals): она хранит пароль зашифрованным')
    autologon_plain = @('autologon is on for {0}, and its password lies in the registry readable for every renter; set it up anew with Autologon from Microsoft Sysinternals', 'автовход включён для {0}, но пароль лежит в реестре открыто, и его прочитает любой арендатор; настройте заново программой Autologon (Microsoft Sysinternals)')
    autologon_count = @('autologon ends after {0} more boots; take the limit out: Remove-ItemProperty "{1}" AutoLogonCount', 'автовход закончится через {0} перезагрузок; снимите ограничение: Remove-ItemProperty "{1}" AutoLogonCount')
    integrity_off   = @('Memory Integrity is off, as Shadow Defender needs it', 'целостность памяти выключена, как и нужно Shadow Defender')
    integrity_on    = @('Memory Integrity is on, and Shadow Defender''s driver is known to clash with it: Windows Security, Device security, Core isolation, off, reboot', 'целостность памяти включена, а драйвер Shadow Defender с ней конфликтует: «Безопасность Windows», «Безопасность устройства», «Изоляция ядра», выключить, перезагрузить')
    faststart_off   = @('fast startup is off', 'быстрый запуск выключен')
    faststart_on    = @('fast startup is on: a shutdown is no fresh start. Off: Set-ItemProperty "{0}" HiberbootEnabled 0', 'быстрый запуск включён: после выключения Windows не начинает с чистого листа. Выключить: Set-ItemProperty "{0}" HiberbootEnabled 0')
    agent_ok        = @('the Drova agent is registered and runs', 'агент Drova зарегистрирован и работает')
    agent_stopped   = @('the Drova agent is registered, but does not run', 'агент Drova зарегистрирован, но не запущен')
    agent_many      = @('the Drova agent has {0} registrations; the gate takes the one used last', 'у агента Drova {0} регистраций; шлюз возьмёт последнюю использованную')
    agent_none      = @('the Drova agent is not registered: start it and sign in', 'агент Drova не зарегистрирован: запустите его и войдите')

    whatif          = @('nothing was changed (-WhatIf)', 'ничего не изменено (-WhatIf)')
    done            = @('Done. Settings for the router:', 'Готово. Настройки для роутера:')
    next            = @('Or, on the router, this one command (it asks for the rest):', 'Или одна команда на роутере (остальное она спросит):')
    reserve         = @('Reserve the address {0} for this PC in the router''s DHCP.', 'Закрепите адрес {0} за этим ПК в DHCP роутера.')
    warned          = @('{0} thing(s) above want your attention.', 'Требуют внимания (см. выше): {0}.')
    failed          = @('stopped: {0}', 'остановлено: {0}')
}

function T([string] $Key) {
    $text = $Texts[$Key][$Language]
    if ($args.Count -gt 0) { return $text -f $args }
    return $text
}

$Warnings = 0

function Show-Line([string] $Mark, [string] $Color, [string] $Text) {
    Write-Host ('  {0,-5} ' -f $Mark) -ForegroundColor $Color -NoNewline
    Write-Host $Text
}
function Show-Part([string] $Text) { Write-Host ''; Write-Host $Text -ForegroundColor Cyan }
function Show-Good([string] $Text) { Show-Line 'ok' 'Green' $Text }
function Show-Done([string] $Text) { Show-Line 'done' 'Green' $Text }
function Show-Warning([string] $Text) { $script:Warnings++; Show-Line 'warn' 'Yellow' $Text }

# -- asking Windows ------------------------------------------------------------------------------------------------------

function Test-Change([string] $What) { return $script:Cmdlet.ShouldProcess($env:COMPUTERNAME, $What) }

function Read-Value([string] $Key, [string] $Name) {
    $item = Get-Item -LiteralPath $Key -ErrorAction SilentlyContinue
    if ($null -ne $item) { return $item.GetValue($Name, $null) }
}

function Invoke-Program([string] $Path, [string[]] $Arguments) {
    # With 'Stop' 5.1 takes the first line on standard error for a fault of its own.
    $ErrorActionPreference = 'Continue'
    $shown = @(& $Path @Arguments 2>&1 | ForEach-Object { "$_" }) -join ' '
    return [pscustomobject] @{ Code = $LASTEXITCODE; Text = $shown.Trim() }
}

function Find-Sshd {
    $path = [string] (Read-Value 'HKLM:\SYSTEM\CurrentControlSet\Services\sshd' 'ImagePath')
    if ([Environment]::ExpandEnvironmentVariables($path) -match '^"?([^"]+?\.exe)') { return $Matches[1] }
    return ''
}

# -- OpenSSH server ------------------------------------------------------------------------------------------------------

function Confirm-Signature([string] $Path) {
    $signature = Get-AuthenticodeSignature -LiteralPath $Path
    $signer = ''
    if ($null -ne $signature.SignerCertificate) { $signer = $signature.SignerCertificate.Subject }
    if ("$($signature.Status)" -ne 'Valid' -or $signer -notlike '*O=Microsoft Corporation*') {
        throw (T 'package_signed' $Path $signature.Status)
    }
}

function Install-FromZip([string] $File) {
    $folder = Join-Path $env:TEMP ('openssh-' + [Guid]::NewGuid().ToString('N'))
    try {
        Expand-Archive -LiteralPath $File -DestinationPath $folder
        $found = Get-ChildItem -LiteralPath $folder -Recurse -Filter 'sshd.exe' | Select-Object -First 1
        if ($null -eq $found) { throw (T 'package_empty' $File) }
        # All that will be run as administrator or by the service: a genuine sshd.exe does not vouch for the installer beside it.
        foreach ($program in @(Get-ChildItem -LiteralPath $found.DirectoryName -Recurse | Where-Object { '.exe', '.dll', '.ps1', '.psm1', '.psd1' -contains $_.Extension })) {
            Confirm-Signature $program.FullName
        }
        $target = Join-Path $env:ProgramFiles 'OpenSSH'
        New-Item -ItemType Directory -Path $target -Force | Out-Null
        Copy-Item -Path (Join-Path $found.DirectoryName '*') -Destination $target -Recurse -Force
    } finally {
        Remove-Item -LiteralPath $folder -Recurse -Force -ErrorAction SilentlyContinue
    }
    $shell = Join-Path $env:SystemRoot 'System32\WindowsPowerShell\v1.0\powershell.exe'
    $installer = Join-Path $target 'install-sshd.ps1'
    $done = Invoke-Program $shell @('-NoProfile', '-ExecutionPolicy', 'Bypass', '-File', $installer)
    if ($done.Code -ne 0) { throw (T 'package_failed' $done.Code $done.Text) }
}

function Install-FromPackage {
    if (-not (Test-Path -LiteralPath $Package -PathType Leaf)) { throw (T 'package_missing' $Package) }
    $file = (Resolve-Path -LiteralPath $Package).ProviderPath
    $kind = [IO.Path]::GetExtension($file)
    if ($kind -ne '.msi' -and $kind -ne '.zip') { throw (T 'package_kind' $file) }
    if (-not (Test-Change (T 'do_package' $file))) { return }
    if ($kind -eq '.zip') {
        Install-FromZip $file
    } else {
        Confirm-Signature $file
        $arguments = '/i "{0}" ADDLOCAL=Server /qn /norestart' -f $file
        $process = Start-Process -FilePath 'msiexec.exe' -ArgumentList $arguments -Wait -PassThru
        # 3010: done, and Windows would like a reboot.
        if ($process.ExitCode -ne 0 -and $process.ExitCode -ne 3010) { throw (T 'package_failed' $process.ExitCode $file) }
    }
    Show-Done (T 'ssh_installed')
}

function Install-FromWindows {
    $build = [Environment]::OSVersion.Version.Build
    if ($build -lt 17763) { throw (T 'ssh_old' $build) }
    if (-not (Test-Change (T 'do_capability'))) { return }
    Show-Line '...' 'Gray' (T 'do_capability')  # or minutes of silence look like a script that hangs
    $reboot = $false
    try {
        $capability = Get-WindowsCapability -Online -Name 'OpenSSH.Server*' | Select-Object -First 1
        if ($null -eq $capability) { throw 'OpenSSH.Server?' }
        if ("$($capability.State)" -ne 'Installed') {
            $added = Add-WindowsCapability -Online -Name $capability.Name
            $reboot = $null -ne $added -and $added.RestartNeeded
        }
    } catch {
        throw (T 'ssh_no_update' $_.Exception.Message)
    }
    if (-not (Find-Sshd)) {
        if ($reboot) { throw (T 'ssh_reboot') }
        throw (T 'ssh_no_update' 'sshd?')
    }
    Show-Done (T 'ssh_installed')
}

function Install-Server {
    $sshd = Find-Sshd
    if ($sshd) { Show-Good (T 'ssh_there' $sshd) }
    elseif ($Package) { Install-FromPackage }
    else { Install-FromWindows }
}

function Start-Server {
    if (-not (Find-Sshd)) { Show-Line '-' 'Gray' (T 'later' 'sshd'); return }
    # 2: automatic.
    if ((Read-Value 'HKLM:\SYSTEM\CurrentControlSet\Services\sshd' 'Start') -eq 2) {
        Show-Good (T 'ssh_automatic')
    } elseif (Test-Change (T 'do_automatic')) {
        Set-Service -Name sshd -StartupType Automatic
        Show-Done (T 'ssh_automatic')
    }
    if ("$((Get-Service -Name sshd).Status)" -eq 'Running') {
        Show-Good (T 'ssh_runs')
    } elseif (Test-Change (T 'do_start')) {
        try { Start-Service -Name sshd } catch { throw (T 'ssh_no_start' $_.Exception.Message $SshData) }
        Show-Done (T 'ssh_runs')
    }
    $shell = [string] (Read-Value 'HKLM:\SOFTWARE\OpenSSH' 'DefaultShell')
    if (-not $shell) { $shell = 'cmd.exe' }
    if ($shell -match '\\?(cmd|powershell)\.exe$') { Show-Good (T 'shell_ok' $shell) } else { Show-Warning (T 'shell_odd' $shell) }
}

# -- the account ---------------------------------------------------------------------------------------------------------

function Find-DesktopUser {
    # The owner of the shell on this very desktop: whoever elevated this PowerShell may be another.
    $session = (Get-Process -Id $PID).SessionId
    $shells = @(Get-CimInstance -ClassName Win32_Process -Filter "Name='explorer.exe'" | Sort-Object { $_.SessionId -ne $session })
    foreach ($shell in $shells) {
        $owner = Invoke-CimMethod -InputObject $shell -MethodName GetOwner -WhatIf:$false
        if ($owner.ReturnValue -eq 0) { return [string] $owner.User }
    }
    return ''
}

function Find-Sid([string] $Name) {
    try { return (New-Object Security.Principal.NTAccount $Name).Translate([Security.Principal.SecurityIdentifier]).Value } catch { return '' }
}

function New-GateAccount([string] $Name) {
    if ([string] (Read-Value $Winlogon 'AutoAdminLogon') -ne '1') { throw (T 'account_autolog') }
    if (-not (Test-Change (T 'do_account' $Name))) { return }
    # Made here, told to nobody, kept nowhere: the gate comes with its key.
    $bytes = New-Object byte[] 24
    [Security.Cryptography.RandomNumberGenerator]::Create().GetBytes($bytes)
    $secret = ConvertTo-SecureString ('aA1!' + [Convert]::ToBase64String($bytes)) -AsPlainText -Force
    New-LocalUser -Name $Name -Password $secret -PasswordNeverExpires -AccountNeverExpires -Description 'drova_gate' | Out-Null
    # Half of it would stand in the way of the next run, which finds an account that is no administrator.
    $whole = $false
    try {
        Add-LocalGroupMember -SID $Administrators -Member $Name
        $whole = $true
    } finally {
        if (-not $whole) { Remove-LocalUser -Name $Name }
    }
    $hidden = Join-Path $Winlogon 'SpecialAccounts\UserList'
    if (-not (Test-Path -LiteralPath $hidden)) { New-Item -Path $hidden -Force | Out-Null }
    Set-ItemProperty -LiteralPath $hidden -Name $Name -Value 0 -Type DWord
    Show-Done (T 'account_made' $Name)
}

function Select-Account {
    $desktop = Find-DesktopUser
    $name = $Login
    if (-not $name) {
        if ($NewAccount) { throw (T 'account_noname') }
        if (-not $desktop) { throw (T 'account_nobody') }
        $name = $desktop
    }
    $sid = Find-Sid $name
    if (-not $sid) {
        if (-not $NewAccount) { throw (T 'account_none' $name) }
        New-GateAccount $name
        $sid = Find-Sid $name
    } else {
        try {
            $is = @(Get-LocalGroupMember -SID $Administrators | Where-Object { $_.SID.Value -eq $sid }).Count -gt 0
        } catch {
            # It stumbles over members that are gone; nothing hangs on it here.
            $is = $null
            Show-Warning (T 'account_unsure' $name $_.Exception.Message)
        }
        if ($is -eq $false) { throw (T 'account_weak' $name) }
        if ($is -eq $true) { Show-Good (T 'account_admin' $name) }
    }
    if ($desktop -and $desktop -ne $name) { Show-Warning (T 'account_other' $desktop $name) }
    return [pscustomobject] @{ Name = $name; Sid = $sid }
}

# -- the key -------------------------------------------------------------------------------------------------------------

function Test-Rights([string] $Path, [string[]] $Sids) {
    $acl = Get-Acl -LiteralPath $Path
    $kind = [Security.Principal.SecurityIdentifier]
    $holders = @($acl.GetAccessRules($true, $true, $kind) | ForEach-Object { $_.IdentityReference.Value })
    $foreign = @($holders | Where-Object { $Sids -notcontains $_ })
    $missing = @($Sids | Where-Object { $holders -notcontains $_ })
    return ($acl.AreAccessRulesProtected -and $foreign.Count -eq 0 -and $missing.Count -eq 0 -and $Sids -contains $acl.GetOwner($kind).Value)
}

function Protect-Key([string] $Path, [string[]] $Sids) {
    if (Test-Rights $Path $Sids) { Show-Good (T 'rights_ok'); return }
    if (-not (Test-Change (T 'do_rights' $Path))) { return }
    $icacls = Join-Path $env:SystemRoot 'System32\icacls.exe'
    $grants = @($Sids | ForEach-Object { '/grant:r'; "*${_}:F" })
    $done = Invoke-Program $icacls (@($Path, '/inheritance:r') + $grants)
    foreach ($rule in (Get-Acl -LiteralPath $Path).GetAccessRules($true, $false, [Security.Principal.SecurityIdentifier])) {
        $holder = $rule.IdentityReference.Value
        if ($Sids -notcontains $holder) { Invoke-Program $icacls @($Path, '/remove', "*$holder") | Out-Null }
    }
    Invoke-Program $icacls @($Path, '/setowner', "*$Administrators") | Out-Null
    if (-not (Test-Rights $Path $Sids)) { throw (T 'rights_wrong' $Path $done.Text) }
    Show-Done (T 'rights_ok')
}

function Install-Key([string] $Path, [string[]] $Sids) {
    $folder = Split-Path $Path
    $old = ''
    $mark = 0
    if (Test-Path -LiteralPath $Path) {
        # PowerShell's own > writes UTF-16, which sshd does not read: found by its mark, written anew.
        $old = [IO.File]::ReadAllText($Path)
        $mark = @([IO.File]::ReadAllBytes($Path) | Select-Object -First 1 | Where-Object { $_ -ge 0xEF }).Count
    }
    $lines = @($old -split "`r?`n" | Where-Object { $_.Trim() })
    # One that its owner has taken out with a # is not there.
    $known = @($lines | Where-Object { $_ -notmatch '^\s*#' -and $_.Split(' ') -ccontains $GateKey.Split(' ')[1] }).Count -gt 0
    if ($known -and $mark -eq 0) {
        Show-Good (T 'key_there' $Path)
    } elseif (Test-Change (T 'do_key' $Path)) {
        if (-not $known) { $lines += $GateKey }
        New-Item -ItemType Directory -Path $folder -Force | Out-Null
        [IO.File]::WriteAllText($Path, ($lines -join "`r`n") + "`r`n", (New-Object Text.UTF8Encoding $false))
        Show-Done (T 'key_there' $Path)
    }
    if (Test-Path -LiteralPath $Path) { Protect-Key $Path $Sids }
}

function Test-OwnFileNeeded {
    # An sshd that does not know the administrators by their translated name, or was told otherwise, reads the account's own file.
    $group = (New-Object Security.Principal.SecurityIdentifier $Administrators).Translate([Security.Principal.NTAccount]).Value
    if ($group.Split('\')[-1] -ne 'Administrators') { return $true }
    $config = Join-Path $SshData 'sshd_config'
    if (-not (Test-Path -LiteralPath $config)) { return $false }
    return -not (@(Get-Content -LiteralPath $config) -match '^\s*AuthorizedKeysFile\s+\S*administrators_authorized_keys')
}

function Install-Keys($Account) {
    if (-not (Find-Sshd)) { Show-Line '-' 'Gray' (T 'later' 'administrators_authorized_keys'); return }
    Install-Key (Join-Path $SshData 'administrators_authorized_keys') @($Administrators, $System)
    if ($Account.Sid -and (Test-OwnFileNeeded)) {
        $list = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList'
        $profile_ = [string] (Read-Value (Join-Path $list $Account.Sid) 'ProfileImagePath')
        if ($profile_) { Install-Key (Join-Path $profile_ '.ssh\authorized_keys') @($Administrators, $System, $Account.Sid) }
    }
}

# -- settings of the server ----------------------------------------------------------------------------------------------

function Edit-Config([string[]] $Lines) {
    $changes = @()
    $ports = @()
    $sftp = $false
    $global = $true
    $new = @(foreach ($line in $Lines) {
        if ($line -match '^\s*Match\s') { $global = $false }
        if ($line -match '^\s*Subsystem\s+sftp\s') { $sftp = $true }
        if ($line -match '^\s*PubkeyAuthentication\s+no\b') {
            $line = $line -replace '\bno\b', 'yes'
            $changes += $line.Trim()
        } elseif ($line -match '^\s*MaxSessions\s+(\d+)' -and [int] $Matches[1] -lt 10) {
            # The gate has up to nine sessions at once.
            $line = $line -replace '\d+', '10'
            $changes += $line.Trim()
        } elseif ($global -and $line -match '^\s*Port\s+(\d+)') {
            $ports += [int] $Matches[1]
        }
        $line
    })
    if (-not $sftp) {
        $new = @('Subsystem sftp sftp-server.exe') + $new
        $changes += $new[0]
    }
    if ($ports.Count -eq 0) { $ports = @(22); $told = $false } else { $told = $true }
    if ($ports -notcontains $Port) {
        $first = @("Port $Port")
        # The first Port line would end the silent 22, which somebody else may use.
        if (-not $told) { $first += 'Port 22' }
        $new = $first + $new
        $changes += $first
    }
    return [pscustomobject] @{ Lines = $new; Changes = $changes }
}

function Update-Config {
    $sshd = Find-Sshd
    $path = Join-Path $SshData 'sshd_config'
    if (-not $sshd) { Show-Line '-' 'Gray' (T 'later' 'sshd_config'); return }
    if (-not (Test-Path -LiteralPath $path)) { Show-Warning (T 'config_missing' $path); return }
    # The owner's own lines come out as they went in: what is no UTF-8 (a comment of Notepad's) is passed through byte by byte.
    $encoding = New-Object Text.UTF8Encoding $false, $true
    try {
        $text = [IO.File]::ReadAllText($path, $encoding)
    } catch {
        $encoding = [Text.Encoding]::GetEncoding(28591)
        $text = [IO.File]::ReadAllText($path, $encoding)
    }
    $old = @($text -split "`r?`n")
    foreach ($line in $old) {
        if ($line -match '^\s*(Allow|Deny)(Users|Groups)\s') { Show-Warning (T 'config_limits' $path ($line.Trim())) }
    }
    $edit = Edit-Config $old
    if ($edit.Changes.Count -eq 0) { Show-Good (T 'config_ok' $path); return }
    if (-not (Test-Change (T 'do_config' $path ($edit.Changes -join ', ')))) { return }
    $backup = '{0}.drova_gate-{1:yyyyMMdd-HHmmss}' -f $path, (Get-Date)
    Copy-Item -LiteralPath $path -Destination $backup
    $fault = ''
    try {
        [IO.File]::WriteAllText($path, ($edit.Lines -join "`r`n"), $encoding)
        $check = Invoke-Program $sshd @('-t')
        if ($check.Code -ne 0) { $fault = "$($check.Text) ($($check.Code))" } else { Restart-Service -Name sshd -Force }
    } catch {
        $fault = $_.Exception.Message
    }
    if ($fault) {
        Copy-Item -LiteralPath $backup -Destination $path -Force
        # Whatever comes of it: what was wrong first is what has to be told.
        Start-Service -Name sshd -ErrorAction SilentlyContinue
        throw (T 'config_refused' $fault)
    }
    Show-Done (T 'config_done' $backup)
}

# -- firewall ------------------------------------------------------------------------------------------------------------

function Get-Places($Rule) {
    # A single address may be told with its mask.
    $places = @(($Rule | Get-NetFirewallAddressFilter).RemoteAddress | ForEach-Object { $_ -replace '/(32|128|255\.255\.255\.255)$', '' })
    return $places -join ','
}

function Test-Rule($Rule) {
    $ports = @(($Rule | Get-NetFirewallPortFilter).LocalPort) -join ','
    return ("$($Rule.Enabled)" -eq 'True' -and "$($Rule.Action)" -eq 'Allow' -and "$($Rule.Profile)" -eq 'Any' -and (Get-Places $Rule) -eq $Router -and $ports -eq "$Port")
}

function Limit-Firewall {
    $rule = Get-NetFirewallRule -Name $RuleName -ErrorAction SilentlyContinue
    if ($null -ne $rule -and (Test-Rule $rule)) {
        Show-Good (T 'rule_ok' $Router $Port)
    } elseif (Test-Change (T 'do_rule' $Router $Port)) {
        if ($null -eq $rule) {
            New-NetFirewallRule -Name $RuleName -DisplayName 'OpenSSH SSH Server (sshd)' -Direction Inbound -Action Allow -Protocol TCP -LocalPort $Port -RemoteAddress $Router -Profile Any | Out-Null
        } else {
            Set-NetFirewallRule -Name $RuleName -Enabled True -Action Allow -Protocol TCP -LocalPort $Port -RemoteAddress $Router -Profile Any
        }
        Show-Done (T 'rule_ok' $Router $Port)
    }
    foreach ($filter in @(Get-NetFirewallPortFilter -Protocol TCP | Where-Object { (@($_.LocalPort) -join ',') -eq "$Port" })) {
        # By its name, one by one: nothing empty may ever come to mean all rules.
        if (-not $filter.InstanceID -or $filter.InstanceID -eq $RuleName) { continue }
        $other = Get-NetFirewallRule -Name $filter.InstanceID -ErrorAction SilentlyContinue | Select-Object -First 1
        if ($null -eq $other -or "$($other.Enabled)" -ne 'True' -or "$($other.Direction)" -ne 'Inbound' -or "$($other.Action)" -ne 'Allow') { continue }
        if ((Get-Places $other) -ne $Router -and (Test-Change (T 'do_other' $other.DisplayName $Router))) {
            Set-NetFirewallRule -Name $other.Name -RemoteAddress $Router
            Show-Done (T 'do_other' $other.DisplayName $Router)
        }
    }
    $off = @(Get-NetFirewallProfile | Where-Object { "$($_.Enabled)" -ne 'True' } | ForEach-Object { $_.Name })
    if ($off.Count -gt 0) { Show-Warning (T 'firewall_off' ($off -join ', ')) }
}

# -- the station itself: looks, changes nothing --------------------------------------------------------------------------

function Show-Autologon {
    $user = [string] (Read-Value $Winlogon 'DefaultUserName')
    if ([string] (Read-Value $Winlogon 'AutoAdminLogon') -ne '1') { Show-Warning (T 'autologon_off'); return }
    if ([string] (Read-Value $Winlogon 'DefaultPassword')) { Show-Warning (T 'autologon_plain' $user) } else { Show-Good (T 'autologon_ok' $user) }
    $count = Read-Value $Winlogon 'AutoLogonCount'
    if ($null -ne $count) { Show-Warning (T 'autologon_count' $count $Winlogon) }
}

function Show-Agent {
    $servers = @(Get-ChildItem -LiteralPath 'HKLM:\SOFTWARE\ITKey\Esme\servers' -ErrorAction SilentlyContinue)
    $runs = $null -ne (Get-Process -Name esme -ErrorAction SilentlyContinue)
    if ($servers.Count -eq 0) { Show-Warning (T 'agent_none') }
    elseif ($servers.Count -gt 1) { Show-Warning (T 'agent_many' $servers.Count) }
    elseif ($runs) { Show-Good (T 'agent_ok') }
    else { Show-Warning (T 'agent_stopped') }
}

function Show-Station {
    $control = 'HKLM:\SYSTEM\CurrentControlSet\Control'
    if (Test-Path -LiteralPath (Join-Path $env:ProgramFiles 'Shadow Defender\CmdTool.exe')) { Show-Good (T 'shadow_there') } else { Show-Warning (T 'shadow_none') }
    Show-Autologon
    if ((Read-Value "$control\DeviceGuard\Scenarios\HypervisorEnforcedCodeIntegrity" 'Enabled') -eq 1) { Show-Warning (T 'integrity_on') } else { Show-Good (T 'integrity_off') }
    $power = "$control\Session Manager\Power"
    $hibernates = (Read-Value "$control\Power" 'HibernateEnabled') -ne 0
    if ($hibernates -and (Read-Value $power 'HiberbootEnabled') -eq 1) { Show-Warning (T 'faststart_on' $power) } else { Show-Good (T 'faststart_off') }
    Show-Agent
}

# -- what the router wants to know ---------------------------------------------------------------------------------------

function Find-OwnAddress {
    # The address that this PC uses towards the router; nothing is sent.
    $target = [Net.IPAddress]::Parse($Router)
    $socket = New-Object Net.Sockets.UdpClient $target.AddressFamily
    try {
        $socket.Connect($target, 9)
        return $socket.Client.LocalEndPoint.Address.ToString()
    } finally {
        $socket.Close()
    }
}

function Find-HostKey {
    # In the order in which the gate asks for them.
    foreach ($kind in 'ed25519', 'ecdsa', 'rsa') {
        $file = Join-Path $SshData "ssh_host_${kind}_key.pub"
        if (Test-Path -LiteralPath $file) {
            $words = (Get-Content -LiteralPath $file -TotalCount 1).Split(' ')
            $hash = [Security.Cryptography.SHA256]::Create().ComputeHash([Convert]::FromBase64String($words[1]))
            return 'SHA256:' + [Convert]::ToBase64String($hash).TrimEnd('=')
        }
    }
    return ''
}

function Get-Quoted([string] $Text) {
    if ($Text -match '^[A-Za-z0-9_@%+=:,./-]+$') { return $Text }
    return "'" + $Text.Replace("'", "'\''") + "'"
}

function Show-Settings($Account) {
    $address = Find-OwnAddress
    $key = Find-HostKey
    $name = ($env:COMPUTERNAME.ToLowerInvariant() -replace '[^a-z0-9._-]', '-').Trim('-')
    if (-not $name) { $name = 'pc1' }
    $command = 'drova_gate init {0} --host {1} --login {2} --host-key {3}' -f $name, $address, (Get-Quoted $Account.Name), $key
    Write-Host ''
    Write-Host (T 'done') -ForegroundColor Cyan
    Write-Host ''
    Write-Host "WINDOWS_HOST=$address"
    Write-Host "WINDOWS_LOGIN=$(Get-Quoted $Account.Name)"
    Write-Host "WINDOWS_HOST_KEY=$key"
    Write-Host "WINDOWS_KEY_FILE=$KeyFile"
    if ($Port -ne 22) {
        Write-Host "WINDOWS_SSH_PORT=$Port"
        $command += " --port $Port"
    }
    Write-Host ''
    Write-Host (T 'next') -ForegroundColor Cyan
    Write-Host ''
    Write-Host $command
    Write-Host ''
    Write-Host (T 'reserve' $address)
}

# -- all of it -----------------------------------------------------------------------------------------------------------

function Invoke-All {
    Write-Host (T 'title' $env:COMPUTERNAME) -ForegroundColor Cyan
    $me = New-Object Security.Principal.WindowsPrincipal ([Security.Principal.WindowsIdentity]::GetCurrent())
    if (-not $me.IsInRole((New-Object Security.Principal.SecurityIdentifier $Administrators))) { throw (T 'not_admin') }
    if ([Environment]::Is64BitOperatingSystem -and -not [Environment]::Is64BitProcess) { throw (T 'not_64') }
    $parsed = $null
    if (-not [Net.IPAddress]::TryParse($Router, [ref] $parsed)) { throw (T 'router_wrong' $Router) }
    if (Test-Connection -ComputerName $Router -Count 1 -Quiet -ErrorAction SilentlyContinue) { Show-Good (T 'router_ok' $Router) } else { Show-Warning (T 'router_silent' $Router) }

    Show-Part (T 'part_account')
    $account = Select-Account
    Show-Part (T 'part_ssh')
    Install-Server
    # Before Windows' own server is started for the first time (one from an .msi runs at once): nobody else may try meanwhile.
    Show-Part (T 'part_firewall')
    Limit-Firewall
    Show-Part (T 'part_start')
    Start-Server
    Show-Part (T 'part_key')
    Install-Keys $account
    Show-Part (T 'part_config')
    Update-Config
    Show-Part (T 'part_station')
    Show-Station

    if ($WhatIfPreference) {
        Write-Host ''
        Write-Host (T 'whatif') -ForegroundColor Cyan
    } else {
        Show-Settings $account
    }
    if ($script:Warnings -gt 0) {
        Write-Host ''
        Write-Host (T 'warned' $script:Warnings) -ForegroundColor Yellow
    }
}

try {
    Invoke-All
} catch {
    Write-Host ''
    Write-Host (T 'failed' $_.Exception.Message) -ForegroundColor Red
    # What was thrown here is told whole; anything else is a fault of the script, and where it happened helps to mend it.
    if ("$($_.CategoryInfo.Category)" -ne 'OperationStopped') { Write-Host $_.ScriptStackTrace -ForegroundColor DarkGray }
    exit 1
}
exit 0
