#!/usr/bin/env python3
# src/conf_mode/service_mcr.py: carries out 'service mcr' at commit. A configuration that the relay would refuse is refused here.
from sys import exit
import os

from vyos.config import Config
from vyos.template import render
from vyos.utils.process import call
from vyos.utils.process import rc_cmd
from vyos import ConfigError
from vyos import airbag

airbag.enable()

service = 'mcr.service'
config_file = '/run/mcr-vyos/mcr.json5'
draft_file = '/run/mcr-vyos/draft.json5'
override_file = '/run/systemd/system/mcr.service.d/10-vyos.conf'


def get_config(config=None):
    conf = config if config else Config()
    base = ['service', 'mcr']
    if not conf.exists(base):
        return None
    mcr = conf.get_config_dict(base, key_mangling=('-', '_'), get_first_key=True, no_tag_node_value_mangle=True)
    mcr['config_file'] = config_file
    return mcr


def verify(mcr):
    if mcr is None:
        return
    for name, rule in mcr.get('rule', {}).items():
        if 'disable' in rule:
            continue
        for option in ('interface', 'address', 'port'):
            if option not in rule.get('input', {}):
                raise ConfigError(f'Rule "{name}" has no input {option}!')
        if not rule.get('output'):
            raise ConfigError(f'Rule "{name}" has no output!')
        for number, output in rule['output'].items():
            for option in ('interface', 'address', 'port'):
                if option not in output:
                    raise ConfigError(f'Output {number} of rule "{name}" has no {option}!')


def generate(mcr):
    if mcr is None:
        for path in (config_file, draft_file, override_file):
            if os.path.exists(path):
                os.unlink(path)
        return
    # The relay itself knows best what it refuses: loops, inputs that stand twice. What runs is not touched until it agrees.
    render(draft_file, 'mcr/mcr.json5.j2', mcr)
    code, said = rc_cmd(f'/usr/bin/mcr-appliance config check {draft_file}')
    if code != 0:
        raise ConfigError(said)
    os.replace(draft_file, config_file)
    before = read(override_file)
    render(override_file, 'mcr/override.conf.j2', mcr)
    mcr['must_restart'] = before != read(override_file)


def apply(mcr):
    if mcr is None:
        call(f'systemctl stop {service}')
        call('systemctl daemon-reload')
        return
    if mcr['must_restart']:
        call('systemctl daemon-reload')
        call(f'systemctl restart {service}')
    else:
        call(f'systemctl reload-or-restart {service}')


def read(path):
    if not os.path.exists(path):
        return None
    with open(path) as file:
        return file.read()


if __name__ == '__main__':
    try:
        c = get_config()
        verify(c)
        generate(c)
        apply(c)
    except ConfigError as e:
        print(e)
        exit(1)
